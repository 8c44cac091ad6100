//! Behind real proxies, with the configurations in packaging/: the page, waiting, the goods in
//! parts, many waiters; and two gateways, one of which is killed while buyers wait.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use shared::api::{
    CreatedInvoice, INVOICE_PATH, InvoiceStatus, Status, content_path, invoices_path,
};
use tempfile::TempDir;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::process::{Program, purrwall};
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{eventually, free_port, item, l402, new_purchase, skipped};

const NGINX: &str = include_str!("../../../packaging/nginx/purrwall.conf");
const APACHE: &str = include_str!("../../../packaging/apache/purrwall.conf");
const HAPROXY: &str = include_str!("../../../packaging/haproxy/haproxy.cfg");

const CAT: &[u8] = include_bytes!("../../../gateway/cats/cat.txt");

/// The proxies, by the names of their programs.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Nginx,
    Apache,
    Haproxy,
}

/// A running proxy with a certificate of its own.
struct Proxy {
    child: Child,
    port: u16,
    certificate: Certificate<'static>,
    dir: TempDir,
}

impl Kind {
    fn program(self) -> PathBuf {
        let name = match self {
            Self::Nginx => "nginx",
            Self::Apache => "apache2",
            Self::Haproxy => "haproxy",
        };
        // Debian has them where only root's PATH leads.
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|dir| dir.join(name))
            .find(|program| program.is_file())
            .unwrap_or(name.into())
    }

    fn is_there(self) -> bool {
        let there = self.program().is_file();
        if !there {
            skipped(&format!("there is no {self:?}"));
        }
        there
    }

    /// The configuration from packaging/, with this place's ports and files for the example's.
    fn configure(self, dir: &Path, port: u16, gateways: [u16; 2]) -> Command {
        let file = |name: &str| dir.join(name).display().to_string();
        let (fullchain, key) = (file("fullchain.pem"), file("privkey.pem"));
        let (site, replaced): (_, &[(&str, String)]) = match self {
            Self::Nginx => (
                NGINX,
                &[
                    ("    listen [::]:443 ssl http2;\n", String::new()),
                    ("listen 443 ", format!("listen 127.0.0.1:{port} ")),
                    (
                        "/etc/letsencrypt/live/cats.example/fullchain.pem",
                        fullchain,
                    ),
                    ("/etc/letsencrypt/live/cats.example/privkey.pem", key),
                ],
            ),
            Self::Apache => (
                APACHE,
                &[
                    ("*:443", format!("127.0.0.1:{port}")),
                    (
                        "/etc/letsencrypt/live/cats.example/fullchain.pem",
                        fullchain,
                    ),
                    ("/etc/letsencrypt/live/cats.example/privkey.pem", key),
                ],
            ),
            Self::Haproxy => (
                HAPROXY,
                &[
                    ("bind :443 ", format!("bind 127.0.0.1:{port} ")),
                    ("/etc/haproxy/cats.example.pem", file("both.pem")),
                ],
            ),
        };
        let mut site = site.replace("# server 127.0.0.1:8081", "server 127.0.0.1:8081");
        for (example, here) in replaced {
            assert!(site.contains(example), "{self:?}: {example}");
            site = site.replace(example, here);
        }
        for (example, here) in ["127.0.0.1:8080", "127.0.0.1:8081"].iter().zip(gateways) {
            site = site.replace(example, &format!("127.0.0.1:{here}"));
        }
        fs::write(dir.join("site"), site).unwrap();

        let mut command = Command::new(self.program());
        match self {
            Self::Nginx => {
                let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|kind| format!("{kind}_temp_path {};\n", file(kind)))
                    .concat();
                let main = format!(
                    "daemon off;\npid {};\nerror_log stderr;\nevents {{ worker_connections 2048; }}\n\
                     http {{\naccess_log off;\n{temp}include {};\n}}\n",
                    file("pid"),
                    file("site"),
                );
                fs::write(dir.join("nginx.conf"), main).unwrap();
                command
                    .args(["-e", "stderr", "-p"])
                    .arg(dir)
                    .args(["-c", &file("nginx.conf")]);
            }
            Self::Apache => {
                let modules: String = [
                    "mpm_event",
                    "authz_core",
                    "proxy",
                    "proxy_http",
                    "ssl",
                    "headers",
                ]
                .map(|name| {
                    format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
                })
                .concat();
                let main = format!(
                    "{modules}ServerName test\nListen 127.0.0.1:{port} https\nPidFile {}\n\
                     DefaultRuntimeDir {}\nErrorLog {}\nServerLimit 16\nThreadsPerChild 64\n\
                     MaxRequestWorkers 1024\nInclude {}\n",
                    file("pid"),
                    file(""),
                    file("error.log"),
                    file("site"),
                );
                fs::write(dir.join("apache.conf"), main).unwrap();
                command
                    .args(["-D", "FOREGROUND", "-d"])
                    .arg(dir)
                    .args(["-f", &file("apache.conf")]);
            }
            Self::Haproxy => {
                command.args(["-db", "-f", &file("site")]);
            }
        }
        command
    }
}

impl Proxy {
    async fn start(kind: Kind, gateways: [u16; 2]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(dir.path().join("fullchain.pem"), &certificate).unwrap();
        fs::write(dir.path().join("privkey.pem"), &key).unwrap();
        fs::write(dir.path().join("both.pem"), [certificate, key].concat()).unwrap();
        let port = free_port();
        let child = kind
            .configure(dir.path(), port, gateways)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let certificate = Certificate::from_der(made.cert.der()).to_owned();
        let proxy = Self {
            child,
            port,
            certificate,
            dir,
        };
        eventually("the proxy", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        proxy
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    /// A client that trusts the proxy's certificate and no other.
    fn agent(&self) -> ureq::Agent {
        let roots = RootCerts::Specific(Arc::new(vec![self.certificate.clone()]));
        ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(Duration::from_mins(1)))
            .http_status_as_error(false)
            .build()
            .new_agent()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A kill would leave its workers.
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status().ok();
        self.child.wait().ok();
    }
}

/// One buyer, who asks again as the page does.
struct Buyer {
    agent: ureq::Agent,
    url: String,
}

impl Buyer {
    fn of(proxy: &Proxy) -> Self {
        Self {
            agent: proxy.agent(),
            url: proxy.url(""),
        }
    }

    fn create(&self, item_id: &str) -> CreatedInvoice {
        let url = format!("{}{}", self.url, invoices_path(&item(item_id)));
        let request = self.agent.post(url).content_type("application/json");
        let mut answer = request
            .send(json!({ "purchase_id": new_purchase() }).to_string())
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Waits until the invoice is paid, through failures and answers of nothing new.
    fn waits(&self, created: &CreatedInvoice) -> InvoiceStatus {
        let limit = Instant::now() + Duration::from_mins(1);
        while Instant::now() < limit {
            let url = format!("{}{INVOICE_PATH}?wait=20", self.url);
            let request = self
                .agent
                .get(url)
                .header("authorization", l402(&created.claim));
            let answer = request.call().ok().filter(|answer| answer.status() == 200);
            let text = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok());
            let status: Option<InvoiceStatus> =
                text.and_then(|text| serde_json::from_str(&text).ok());
            match status {
                Some(status) if status.status == Status::Paid => return status,
                Some(_) => {}
                None => thread::sleep(Duration::from_millis(50)),
            }
        }
        panic!("never paid");
    }

    fn content(
        &self,
        created: &CreatedInvoice,
        item_id: &str,
        range: Option<&str>,
    ) -> (u16, Vec<u8>) {
        let url = format!("{}{}", self.url, content_path(&item(item_id)));
        let mut request = self
            .agent
            .get(url)
            .header("authorization", l402(&created.claim));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let mut answer = request.call().unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_vec().unwrap(),
        )
    }
}

/// More than any proxy keeps in memory for a request.
const SONG: usize = 3_000_000;

/// A gateway with a page, a song, and cats.
struct Shop {
    fake: FakeLightningd,
    dir: TempDir,
}

impl Shop {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let song: Vec<u8> = (0..SONG)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        fs::write(dir.path().join("song.bin"), song).unwrap();
        fs::write(dir.path().join("cat.txt"), CAT).unwrap();
        fs::create_dir(dir.path().join("dist")).unwrap();
        fs::write(
            dir.path().join("dist/index.html"),
            "<!doctype html>the page",
        )
        .unwrap();
        let section = |id: &str, file: &str| {
            format!(
                "[[item]]\nid = \"{id}\"\ntitle = \"x\"\nfile = \"{file}\"\nprice = \"1 sat\"\n"
            )
        };
        let store = section("cat", "cat.txt") + &section("song", "song.bin");
        fs::write(dir.path().join("purrwall.toml"), store).unwrap();
        Self {
            fake: FakeLightningd::start(),
            dir,
        }
    }

    fn opens(&self) -> Program {
        self.opens_with(&[])
    }

    fn opens_with(&self, flags: &[&str]) -> Program {
        let file = |name: &str| self.dir.path().join(name);
        let mut command = purrwall(&self.fake.socket(), &file("secret"));
        command.arg("--config").arg(file("purrwall.toml"));
        command.arg("--frontend").arg(file("dist"));
        command.env("PURRWALL_LOG", "warn").args(flags);
        Program::start(command)
    }
}

async fn sells_behind(kind: Kind) {
    if !kind.is_there() {
        return;
    }
    let shop = Shop::new();
    let gateway = shop.opens();
    let proxy = Proxy::start(kind, [gateway.port(); 2]).await;
    let mut page = proxy.agent().get(proxy.url("/")).call().unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(
        page.body_mut().read_to_string().unwrap(),
        "<!doctype html>the page"
    );

    let buyer = Arc::new(Buyer::of(&proxy));
    let created = buyer.create("song");
    let waiting = {
        let (buyer, created) = (buyer.clone(), created.clone());
        tokio::task::spawn_blocking(move || buyer.waits(&created))
    };
    eventually("a wait", || !shop.fake.calls("listinvoices").is_empty()).await;
    shop.fake.is_paid(&created.invoice.bolt11);
    assert_eq!(waiting.await.unwrap().status, Status::Paid);

    let whole = fs::read(shop.dir.path().join("song.bin")).unwrap();
    let (status, song) = buyer.content(&created, "song", None);
    assert_eq!((status, song == whole), (200, true));
    let (status, part) = buyer.content(&created, "song", Some("bytes=2000000-"));
    assert_eq!((status, part == whole[2_000_000..]), (206, true));
    let (status, part) = buyer.content(&created, "song", Some("bytes=5-9"));
    assert_eq!((status, &part[..]), (206, &whole[5..10]));

    many_wait_at_once(&shop, &proxy, &buyer).await;
}

/// Clients are counted by the addresses that the proxy sees, not by those that they claim to have.
async fn tells_clients_apart_behind(kind: Kind) {
    if !kind.is_there() {
        return;
    }
    let shop = Shop::new();
    let flags = [
        "--trusted-proxies",
        "127.0.0.1",
        "--invoices-per-minute",
        "2",
    ];
    let gateway = shop.opens_with(&flags);
    let proxy = Proxy::start(kind, [gateway.port(); 2]).await;
    let asks = |from: &str, claimed: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--insecure", "--interface", from])
            .args(["--output", "/dev/null", "--write-out", "%{http_code}"])
            .args(["--header", &format!("x-forwarded-for: {claimed}")])
            .args(["--header", "content-type: application/json"])
            .args([
                "--data",
                &json!({ "purchase_id": new_purchase() }).to_string(),
            ])
            .arg(proxy.url(&invoices_path(&item("cat"))))
            .output();
        output.map(|output| String::from_utf8(output.stdout).unwrap())
    };
    if asks("127.0.0.4", "10.0.0.1").is_err() {
        return skipped("clients behind a proxy: there is no curl");
    }
    let answers = [("127.0.0.2", "10.0.0.1"), ("127.0.0.2", "10.0.0.2")]
        .map(|(from, claimed)| asks(from, claimed).unwrap());
    assert_eq!(answers, ["201", "201"]);
    assert_eq!(asks("127.0.0.2", "10.0.0.3").unwrap(), "429");
    assert_eq!(asks("127.0.0.3", "10.0.0.1").unwrap(), "201");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_tells_clients_apart() {
    tells_clients_apart_behind(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apache_tells_clients_apart() {
    tells_clients_apart_behind(Kind::Apache).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_tells_clients_apart() {
    tells_clients_apart_behind(Kind::Haproxy).await;
}

const WAITERS: usize = 300;
/// A claim has 64 places to wait.
const CLAIMS: usize = 5;

/// One program that waits many times over, each on a connection of its own.
async fn many_wait_at_once(shop: &Shop, proxy: &Proxy, buyer: &Buyer) {
    let created: Vec<_> = (0..CLAIMS).map(|_| buyer.create("cat")).collect();
    let waits: Vec<_> = (0..WAITERS)
        .map(|at| {
            format!(
                "url = \"{}\"\nsilent\ninsecure\nhttp1.1\nheader = \"authorization: {}\"\n",
                proxy.url(&format!("{INVOICE_PATH}?wait=30")),
                l402(&created[at % CLAIMS].claim),
            )
        })
        .collect();
    let config = proxy.dir.path().join("curl");
    fs::write(&config, waits.join("next\n")).unwrap();
    let curl = Command::new("curl")
        .args([
            "--parallel",
            "--parallel-immediate",
            "--parallel-max",
            "300",
        ])
        .arg("--config")
        .arg(&config)
        .stdout(Stdio::piped())
        .spawn();
    let Ok(curl) = curl else {
        return skipped("many waiters behind a proxy: there is no curl");
    };
    let connections = || {
        let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
        let port = format!(":{:04X} ", proxy.port);
        let established = |line: &&str| {
            let local = line.split_whitespace().nth(1).unwrap_or_default();
            format!("{local} ").ends_with(&port) && line.split_whitespace().nth(3) == Some("01")
        };
        sockets.lines().filter(established).count()
    };
    eventually("every waiter", || connections() >= WAITERS).await;
    for created in &created {
        shop.fake.is_paid(&created.invoice.bolt11);
    }
    let output = tokio::task::spawn_blocking(|| curl.wait_with_output().unwrap());
    let answers = String::from_utf8(output.await.unwrap().stdout).unwrap();
    assert_eq!(
        answers.matches("\"status\":\"paid\"").count(),
        WAITERS,
        "{answers}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_it_sells() {
    sells_behind(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_apache_it_sells() {
    sells_behind(Kind::Apache).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_haproxy_it_sells() {
    sells_behind(Kind::Haproxy).await;
}

/// Two gateways; the one that more buyers wait at is killed before anyone has paid.
async fn outlives_a_gateway_behind(kind: Kind) {
    if !kind.is_there() {
        return;
    }
    let shop = Shop::new();
    let gateways = [shop.opens(), shop.opens()];
    let proxy = Proxy::start(kind, gateways.each_ref().map(Program::port)).await;
    // Both have to be known as healthy, or all of it tests one.
    let agent = proxy.agent();
    eventually("a store", || {
        agent
            .get(proxy.url("/readyz"))
            .call()
            .is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let mut buyers = Vec::new();
    for _ in 0..12 {
        let buyer = Buyer::of(&proxy);
        let created = buyer.create("cat");
        let bolt11 = created.invoice.bolt11.clone();
        let gets_it = tokio::task::spawn_blocking(move || {
            buyer.waits(&created);
            buyer.content(&created, "cat", None)
        });
        buyers.push((bolt11, gets_it));
    }
    eventually("every wait", || shop.fake.calls("listinvoices").len() >= 12).await;
    let [one, _other] = gateways;
    // SIGKILL.
    drop(one);
    for (bolt11, _) in &buyers {
        shop.fake.is_paid(bolt11);
    }
    for (_, gets_it) in buyers {
        assert_eq!(gets_it.await.unwrap(), (200, CAT.to_vec()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_outlive_a_gateway_behind_nginx() {
    outlives_a_gateway_behind(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_outlive_a_gateway_behind_haproxy() {
    outlives_a_gateway_behind(Kind::Haproxy).await;
}
