//! A certificate by itself, from Debian's ACME server for tests: the first one, its renewal, a CA that is away, a
//! name that leads elsewhere.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::process::{Program, purrwall};
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{free_port, skipped};

const DOMAIN: &str = "cats.example";
/// Leads to an address of this machine where nothing listens.
const ELSEWHERE: &str = "elsewhere.example";

/// A CA and the names that it resolves, at free ports.
struct Ca {
    dir: TempDir,
    directory: String,
    /// The port at which it looks for the gateway.
    tls_port: u16,
    pebble: Option<Child>,
    names: Child,
}

impl Ca {
    /// Starts one whose certificates last so long, in seconds. `None` where it is not installed.
    fn start(lasting: u64) -> Option<Self> {
        if !Path::new("/usr/bin/pebble").exists() {
            skipped("there is no pebble");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(dir.path().join("ca.pem"), made.cert.pem()).unwrap();
        fs::write(dir.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let [listen, management, tls_port, dns, told] = [(); 5].map(|()| free_port());
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": dir.path().join("ca.pem"), "privateKey": dir.path().join("key.pem"),
            "httpPort": 1, "tlsPort": tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": false, "certificateValidityPeriod": lasting,
        }});
        fs::write(dir.path().join("pebble.json"), config.to_string()).unwrap();
        let names = Command::new("/usr/bin/pebble-challtestsrv")
            .args([
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
            ])
            .args(["-dns01", &format!("127.0.0.1:{dns}")])
            .args(["-management", &format!("127.0.0.1:{told}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ca = Self {
            directory: format!("https://localhost:{listen}/dir"),
            tls_port,
            pebble: None,
            names,
            dir,
        };
        fs::write(ca.dir.path().join("dns"), format!("127.0.0.1:{dns}")).unwrap();
        let record = json!({"host": ELSEWHERE, "addresses": ["127.0.0.9"]}).to_string();
        post(told, "/add-a", &record);
        ca.comes_back();
        Some(ca)
    }

    fn comes_back(&mut self) {
        let pebble = Command::new("/usr/bin/pebble")
            .arg("-config")
            .arg(self.dir.path().join("pebble.json"))
            .arg("-dnsserver")
            .arg(fs::read_to_string(self.dir.path().join("dns")).unwrap())
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.pebble = Some(pebble);
    }

    fn goes_away(&mut self) {
        let mut pebble = self.pebble.take().unwrap();
        pebble.kill().unwrap();
        pebble.wait().unwrap();
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        for child in self.pebble.iter_mut().chain([&mut self.names]) {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Sends this once the server is there.
fn post(port: u16, path: &str, body: &str) {
    let mut stream = eventually("the names' server", || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[track_caller]
fn eventually<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_mins(2);
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < limit, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A store that gets its certificate from this CA.
struct Store {
    program: Program,
    log: PathBuf,
    http_port: u16,
}

impl Store {
    fn open(fake: &FakeLightningd, ca: &Ca, dir: &Path, domains: &str, directory: &str) -> Self {
        let http_port = free_port();
        let log = dir.join("log");
        let mut command = purrwall(&fake.socket(), &dir.join("secret"));
        command
            .env("PURRWALL_LISTEN", format!("127.0.0.1:{}", ca.tls_port))
            .arg(format!("--http-listen=127.0.0.1:{http_port}"))
            .args(["--domain", domains, "--acme-directory", directory])
            .arg("--acme-ca-file")
            .arg(ca.dir.path().join("ca.pem"))
            .arg("--data-dir")
            .arg(dir)
            .stderr(fs::File::create(&log).unwrap());
        Self {
            program: Program::start(command),
            log,
            http_port,
        }
    }

    /// The serial number of the certificate that visitors are shown, if there is one.
    fn serial(&self) -> Option<String> {
        let shown = Command::new("openssl")
            .args(["s_client", "-servername", DOMAIN, "-connect"])
            .arg(format!("127.0.0.1:{}", self.program.port()))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let mut x509 = Command::new("openssl")
            .args(["x509", "-noout", "-serial", "-ext", "subjectAltName"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        x509.stdin.take().unwrap().write_all(&shown.stdout).unwrap();
        let text = String::from_utf8(x509.wait_with_output().unwrap().stdout).unwrap();
        let serial = text.lines().next()?.to_owned();
        assert!(text.contains(&format!("DNS:{DOMAIN}")), "{text}");
        Some(serial)
    }

    fn says(&self, words: &str) -> Option<()> {
        let log = fs::read_to_string(&self.log).unwrap();
        log.contains(words).then_some(())
    }

    /// The head of an answer over plain HTTP.
    fn plain(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http_port)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {DOMAIN}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// Asks it to end; says whether it ended well. Its log is a file.
fn end(mut program: Program) -> bool {
    program.signal("TERM");
    program.child.wait().unwrap().success()
}

/// What curl prints of `https://cats.example<path>`, without a look at who signed.
fn curl(store: &Store, path: &str) -> String {
    let port = store.program.port();
    let answer = Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--include"])
        .arg("--resolve")
        .arg(format!("{DOMAIN}:{port}:127.0.0.1"))
        .arg(format!("https://{DOMAIN}:{port}{path}"))
        .output()
        .unwrap();
    String::from_utf8(answer.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_had_renewed_and_kept_while_the_ca_is_away() {
    let Some(mut ca) = Ca::start(12) else { return };
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let directory = ca.directory.clone();
    let both = format!("{DOMAIN} www.{DOMAIN}");
    let store = Store::open(&fake, &ca, dir.path(), &both, &directory);
    let first = eventually("the first certificate", || store.serial());
    store
        .says("a new certificate for cats.example, www.cats.example is in use")
        .unwrap();

    // It sells, and leads there from plain http.
    let answer = curl(&store, "/api/v1/store");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );
    let offer = curl(&store, "/.well-known/lnurlp/cat");
    assert!(
        offer.contains("https://cats.example/api/v1/items/cat/codes/"),
        "{offer}"
    );
    let led = store.plain("/buy/cat?still");
    assert!(led.starts_with("HTTP/1.1 308"), "{led}");
    assert!(
        led.contains("location: https://cats.example/buy/cat?still\r\n"),
        "{led}"
    );

    // A new one, in time and without a restart.
    let renewed = eventually("the renewal", || store.serial().filter(|now| *now != first));

    ca.goes_away();
    eventually("the word that the CA is away", || {
        store.says("does not answer as it should")?;
        store.says("the certificate of before stays in use")
    });
    let last = store.serial().unwrap();
    assert!(curl(&store, "/healthz").starts_with("HTTP/1.1 200"));
    assert_ne!(last, first);
    assert!(end(store.program));
    // After a restart, too: what was had is kept, for its owner alone.
    let kept = fs::metadata(dir.path().join("acme")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o700);
    let again = Store::open(&fake, &ca, dir.path(), &both, &directory);
    assert_eq!(eventually("the kept one", || again.serial()), last);
    again.says("the kept certificate for").unwrap();

    ca.comes_back();
    eventually("the next", || {
        again.serial().filter(|now| *now != last && *now != renewed)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_name_or_a_ca_is_told() {
    let Some(ca) = Ca::start(3600) else { return };
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    // The other name is right, but a certificate is for both or for none.
    let names = format!("{DOMAIN}, {ELSEWHERE}");
    let store = Store::open(&fake, &ca, dir.path(), &names, &ca.directory);
    eventually("the word on the name", || {
        store.says("the CA could not reach this gateway as elsewhere.example (")?;
        store.says("the name has to lead to this machine, and its port 443 to the gateway")?;
        store.says("until there is a certificate, nobody can connect")
    });
    assert_eq!(store.serial(), None);
    drop(store);

    // What is at the address is no CA, and says so in a language of its own.
    let liar = ca.directory.replace("/dir", "/roots/of/all/evil");
    let store = Store::open(&fake, &ca, dir.path(), DOMAIN, &liar);
    eventually("the word on the CA", || {
        store.says("the CA refuses it: status 404")
    });
    drop(store);
    let nobody = format!("https://localhost:{}/dir", free_port());
    let store = Store::open(&fake, &ca, dir.path(), DOMAIN, &nobody);
    eventually("the word on nobody", || {
        store.says("does not answer as it should")
    });
}
