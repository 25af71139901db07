// A test of your own client behind a broken proxy. Copy this file; `go test` needs nothing but the
// badproxy binary, on the PATH or in the variable BADPROXY.
package brokenproxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Event is one line of what badproxy writes. Connections are told apart by Conn.
type Event struct {
	Time float64         `json:"time"`
	Conn int             `json:"group_id"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// Broken is a proxy that plays a scenario. CA is the file that the client has to trust where the
// target is https.
type Broken struct {
	Proxy  string `json:"proxy"`
	Target string `json:"target"`
	CA     string `json:"ca"`
	lines  *bufio.Scanner
	input  io.Closer
	cmd    *exec.Cmd
}

// Play starts the proxy; when it returns, connections are taken.
func Play(t *testing.T, scenario string) *Broken {
	t.Helper()
	program := os.Getenv("BADPROXY")
	if program == "" {
		program = "badproxy"
	}
	// It ends with its standard input: when the test is over, and also when the test dies.
	cmd := exec.Command(program, "serve", scenario, "--format", "jsonl", "--until-eof")
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { input.Close() })
	broken := &Broken{lines: bufio.NewScanner(out), input: input, cmd: cmd}
	broken.lines.Buffer(nil, 1<<20)
	if !broken.lines.Scan() || json.Unmarshal(broken.lines.Bytes(), broken) != nil {
		t.Fatalf("badproxy is not ready: %q", broken.lines.Text())
	}
	return broken
}

// Events stops the proxy and gives everything that has happened.
func (b *Broken) Events(t *testing.T) (events []Event) {
	t.Helper()
	b.input.Close()
	for b.lines.Scan() {
		var event Event
		if err := json.Unmarshal(b.lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	if err := b.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return events
}

// fetch is the code under test: in your test, call your own.
func fetch(broken *Broken) error {
	through, err := url.Parse(broken.Proxy)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(broken.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			Proxy:           http.ProxyURL(through),
			TLSClientConfig: &tls.Config{RootCAs: roots},
		},
	}
	response, err := client.Get(broken.Target)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestItGivesUpWhenTheProxyClosesWithoutAWord(t *testing.T) {
	broken := Play(t, "reply/fin-before-reply")
	err := fetch(broken)
	if err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("want an error that says EOF, have %v", err)
	}
	attempts := 0
	for _, event := range broken.Events(t) {
		if event.Name == "connect:request" {
			attempts++
		}
	}
	if attempts < 1 || attempts > 2 {
		t.Errorf("%d attempts, want 1 or 2", attempts)
	}
}

func TestItRefusesACertificateThatHasExpired(t *testing.T) {
	broken := Play(t, "tls/expired")
	err := fetch(broken)
	if err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("want an error that says expired, have %v", err)
	}
	for _, event := range broken.Events(t) {
		if event.Name == "http:request" {
			t.Error("a request was sent")
		}
	}
}
