import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** One request over TLS: prints how many bytes of the answer came and how it ended. Arguments: port, version, suite. */
class Client {
  public static void main(String[] words) throws Exception {
    TrustManager all = new X509TrustManager() {
      public void checkClientTrusted(X509Certificate[] chain, String type) {}
      public void checkServerTrusted(X509Certificate[] chain, String type) {}
      public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    };
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {all}, new SecureRandom());
    int got = 0;
    try {
      SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(words[0]));
      socket.setEnabledProtocols(new String[] {words[1]});
      socket.setEnabledCipherSuites(new String[] {words[2]});
      socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: jobs.test\r\n\r\n".getBytes());
      byte[] buffer = new byte[65536];
      for (int count; (count = socket.getInputStream().read(buffer)) >= 0;) got += count;
      System.out.println(got + " end");
    } catch (java.io.IOException error) {
      System.out.println(got + " " + error.getMessage());
    }
  }
}
