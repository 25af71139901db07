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
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;

class BrokenProxyTest {

  /** A proxy that plays a scenario. */
  static final class Broken implements AutoCloseable {
    final URI proxy;
    final URI target;
    /** What the client has to trust where the target is https. */
    final Path ca;
    private final Process process;
    private final BufferedReader lines;

    /** Starts it; when this returns, connections are taken. */
    Broken(String scenario) throws IOException {
      String program = Optional.ofNullable(System.getenv("BADPROXY")).orElse("badproxy");
      // It ends with its standard input: when the test is over, and also when the test dies.
      process =
          new ProcessBuilder(program, "serve", scenario, "--format", "jsonl", "--until-eof")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      lines = process.inputReader();
      String ready = lines.readLine();
      proxy = URI.create(field(ready, "proxy"));
      target = URI.create(field(ready, "target"));
      ca = Path.of(field(ready, "ca"));
    }

    /** Stops it and gives everything that has happened, one JSON object each. */
    List<String> events() throws Exception {
      close();
      List<String> events = lines.lines().toList();
      assertEquals(0, process.waitFor());
      return events;
    }

    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
    }
  }

  /** A text in a JSON object, for a test without a JSON library. */
  static String field(String json, String name) {
    var found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
    assertTrue(found.find(), json);
    return found.group(1);
  }

  /** The code under test: in your test, call your own. */
  static String fetch(Broken broken) throws Exception {
    var address = new InetSocketAddress(broken.proxy.getHost(), broken.proxy.getPort());
    var client =
        HttpClient.newBuilder()
            .proxy(ProxySelector.of(address))
            .sslContext(trusting(broken.ca))
            .build();
    var request = HttpRequest.newBuilder(broken.target).timeout(Duration.ofSeconds(5)).build();
    return client.send(request, BodyHandlers.ofString()).body();
  }

  static SSLContext trusting(Path ca) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var pem = Files.newInputStream(ca)) {
      for (var root : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
        store.setCertificateEntry("root" + store.size(), root);
      }
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  @Test
  void itGivesUpWhenTheProxyClosesWithoutAWord() throws Exception {
    try (var broken = new Broken("reply/fin-before-reply")) {
      var error = assertThrows(IOException.class, () -> fetch(broken));
      assertTrue(error.getMessage().contains("received no bytes"), error.getMessage());
      long attempts =
          broken.events().stream().filter(e -> field(e, "name").equals("connect:request")).count();
      assertTrue(attempts >= 1 && attempts <= 2, attempts + " attempts");
    }
  }

  @Test
  void itRefusesACertificateThatHasExpired() throws Exception {
    try (var broken = new Broken("tls/expired")) {
      var error = assertThrows(IOException.class, () -> fetch(broken));
      assertTrue(error.getMessage().contains("validity check failed"), error.getMessage());
      assertTrue(broken.events().stream().noneMatch(e -> field(e, "name").equals("http:request")));
    }
  }
}
