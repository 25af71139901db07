// A test of your own client behind a broken proxy. Copy this file; `go test` needs nothing but the
// badproxy binary, on the PATH or in the variable BADPROXY.
package brokenproxy

import (
	"bufio"
	"encoding/json"
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

// Broken is a proxy that plays a scenario.
type Broken struct {
	Proxy  string `json:"proxy"`
	Target string `json:"target"`
	lines  *bufio.Scanner
	cmd    *exec.Cmd
}

// Play starts the proxy; when it returns, connections are taken.
func Play(t *testing.T, scenario string) *Broken {
	t.Helper()
	program := os.Getenv("BADPROXY")
	if program == "" {
		program = "badproxy"
	}
	cmd := exec.Command(program, "serve", scenario, "--format", "jsonl")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	broken := &Broken{lines: bufio.NewScanner(out), cmd: cmd}
	broken.lines.Buffer(nil, 1<<20)
	if !broken.lines.Scan() || json.Unmarshal(broken.lines.Bytes(), broken) != nil {
		t.Fatalf("badproxy is not ready: %q", broken.lines.Text())
	}
	return broken
}

// Events stops the proxy and gives everything that has happened.
func (b *Broken) Events(t *testing.T) (events []Event) {
	t.Helper()
	b.cmd.Process.Signal(os.Interrupt)
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
func fetch(proxy, target string) error {
	through, err := url.Parse(proxy)
	if err != nil {
		return err
	}
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{Proxy: http.ProxyURL(through)},
	}
	response, err := client.Get(target)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestItGivesUpWhenTheProxyClosesWithoutAWord(t *testing.T) {
	broken := Play(t, "reply/fin-before-reply")
	err := fetch(broken.Proxy, broken.Target)
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
