// One request over TLS: prints how many bytes of the answer came and how it ended. Arguments: port, version, suite, certificate or empty.
package main

import (
	"crypto/tls"
	"fmt"
	"os"
)

func main() {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "jobs.test"}
	config.MinVersion, config.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
	if os.Args[2] == "TLSv1.2" {
		config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		for _, suite := range tls.CipherSuites() {
			if suite.Name == os.Args[3] {
				config.CipherSuites = []uint16{suite.ID}
			}
		}
	}
	if os.Args[4] != "" {
		pair, err := tls.LoadX509KeyPair(os.Args[4], os.Args[4])
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	connection, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[1], config)
	got := 0
	if err == nil {
		_, err = connection.Write([]byte("GET / HTTP/1.1\r\nHost: jobs.test\r\n\r\n"))
		buffer := make([]byte, 65536)
		for err == nil {
			var count int
			count, err = connection.Read(buffer)
			got += count
		}
	}
	fmt.Println(got, err)
}
