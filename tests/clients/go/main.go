// Fetches one URL the way most Go programs do: the default transport, which asks
// http.ProxyFromEnvironment, and a client with a total timeout.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// A resolver that asks over TLS (RFC 7858), at this address.
func overTLS(server string) *net.Resolver {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&tls.Dialer{}).DialContext(ctx, "tcp", server)
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

func get(target string, timeout time.Duration, dialer *net.Dialer, anonymous bool) ([]byte, error) {
	client := http.Client{Timeout: timeout}
	request, err := http.NewRequest("GET", target, nil)
	if err != nil {
		return nil, err
	}
	if dialer.Timeout > 0 || dialer.Resolver != nil || anonymous {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		if dialer.Timeout > 0 || dialer.Resolver != nil {
			transport.DialContext = dialer.DialContext
		}
		if anonymous {
			// An empty one is left out.
			transport.ProxyConnectHeader = http.Header{"User-Agent": {""}}
			request.Header.Set("User-Agent", "")
		}
		client.Transport = transport
	}
	response, err := client.Do(request)
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
	dot := flag.Bool("dot", false, "look names up over TLS, at BADPROXY_DOT")
	anonymous := flag.Bool("anonymous", false, "send no User-Agent")
	flag.Parse()
	target := flag.Arg(0)
	if target == "" {
		target = os.Getenv("BADPROXY_TARGET")
	}
	timeout, err := time.ParseDuration(os.Getenv("BADPROXY_TIMEOUT") + "s")
	if err != nil {
		timeout = 5 * time.Second
	}
	dialer := net.Dialer{Timeout: *dialTimeout}
	if *dot {
		dialer.Resolver = overTLS(os.Getenv("BADPROXY_DOT"))
	}
	body, err := get(target, timeout, &dialer, *anonymous)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		os.Exit(1)
	}
	os.Stdout.Write(body)
}
