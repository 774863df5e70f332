import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** One request by java.net.http: prints status and length, or the error. Arguments: URL, seconds. Stores by system properties. */
class Client {
  public static void main(String[] words) {
    Duration limit = Duration.ofSeconds(Long.parseLong(words[1]));
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(limit).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create(words[0])).timeout(limit).build();
    try {
      HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
      System.out.println(response.statusCode() + ", " + response.body().length + " B");
    } catch (Exception error) {
      Throwable inner = error;
      while (inner.getCause() != null) inner = inner.getCause();
      String about = inner == error ? "" : " (" + inner.getClass().getSimpleName() + ": " + inner.getMessage() + ")";
      System.out.println(error.getClass().getSimpleName() + ": " + error.getMessage() + about);
    }
    System.exit(0);
  }
}
