// One request by net/http: prints status and length, or the error. Arguments: URL, seconds, certificate or empty.
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

func main() {
	config := &tls.Config{}
	if os.Args[3] != "" {
		pair, err := tls.LoadX509KeyPair(os.Args[3], os.Args[3])
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	seconds, _ := strconv.Atoi(os.Args[2])
	limit := time.Duration(seconds) * time.Second
	transport := &http.Transport{TLSClientConfig: config, TLSHandshakeTimeout: limit}
	client := &http.Client{Transport: transport, Timeout: limit}
	response, err := client.Get(os.Args[1])
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		if err == nil {
			fmt.Printf("%d, %d B\n", response.StatusCode, len(body))
			return
		}
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	fmt.Println(err)
}
