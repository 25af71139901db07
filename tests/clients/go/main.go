// Fetches one URL the way most Go programs do: the default transport, which asks
// http.ProxyFromEnvironment, and a client with a total timeout.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func get(target string, timeout, dialTimeout time.Duration) ([]byte, error) {
	client := http.Client{Timeout: timeout}
	if dialTimeout > 0 {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
		client.Transport = transport
	}
	response, err := client.Get(target)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	return io.ReadAll(response.Body)
}

func main() {
	dialTimeout := flag.Duration("dial-timeout", 0, "give up on the TCP connection after this long, such as 500ms")
	flag.Parse()
	target := flag.Arg(0)
	if target == "" {
		target = os.Getenv("BADPROXY_TARGET")
	}
	timeout, err := time.ParseDuration(os.Getenv("BADPROXY_TIMEOUT") + "s")
	if err != nil {
		timeout = 5 * time.Second
	}
	body, err := get(target, timeout, *dialTimeout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		os.Exit(1)
	}
	os.Stdout.Write(body)
}
