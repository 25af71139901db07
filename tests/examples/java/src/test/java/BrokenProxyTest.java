// A test of your own client behind a broken proxy. Copy this file; JUnit needs nothing but the
// badproxy binary, on the PATH or in the variable BADPROXY.

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class BrokenProxyTest {

  /** A proxy that plays a scenario. */
  static final class Broken implements AutoCloseable {
    final URI proxy;
    final URI target;
    private final Process process;
    private final BufferedReader lines;

    /** Starts it; when this returns, connections are taken. */
    Broken(String scenario) throws IOException {
      String program = Optional.ofNullable(System.getenv("BADPROXY")).orElse("badproxy");
      process =
          new ProcessBuilder(program, "serve", scenario, "--format", "jsonl")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      lines = process.inputReader();
      String ready = lines.readLine();
      proxy = URI.create(field(ready, "proxy"));
      target = URI.create(field(ready, "target"));
    }

    /** Stops it and gives everything that has happened, one JSON object each. */
    List<String> events() throws InterruptedException {
      // Process.destroy would close the stream that is read below.
      process.toHandle().destroy();
      List<String> events = lines.lines().toList();
      assertEquals(0, process.waitFor());
      return events;
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  /** A text in a JSON object, for a test without a JSON library. */
  static String field(String json, String name) {
    var found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
    assertTrue(found.find(), json);
    return found.group(1);
  }

  /** The code under test: in your test, call your own. */
  static String fetch(URI proxy, URI target) throws IOException, InterruptedException {
    var address = new InetSocketAddress(proxy.getHost(), proxy.getPort());
    var client = HttpClient.newBuilder().proxy(ProxySelector.of(address)).build();
    var request = HttpRequest.newBuilder(target).timeout(Duration.ofSeconds(5)).build();
    return client.send(request, BodyHandlers.ofString()).body();
  }

  @Test
  void itGivesUpWhenTheProxyClosesWithoutAWord() throws Exception {
    try (var broken = new Broken("reply/fin-before-reply")) {
      var error = assertThrows(IOException.class, () -> fetch(broken.proxy, broken.target));
      assertTrue(error.getMessage().contains("received no bytes"), error.getMessage());
      long attempts =
          broken.events().stream().filter(e -> field(e, "name").equals("connect:request")).count();
      assertTrue(attempts >= 1 && attempts <= 2, attempts + " attempts");
    }
  }
}
