//! TLS by ourselves: it sells over it, a renewed certificate is used without a restart, and what is
//! wrong is named.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::api::{CreatedInvoice, INVOICE_PATH, content_path, invoices_path};
use tempfile::TempDir;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::process::{Program, purrwall};
use crate::running::raise_descriptors;
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{eventually, item, l402, new_purchase};

/// A new certificate of its own, in files that are replaced as renewal does it.
fn renew(dir: &Path) -> Certificate<'static> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    for (name, text) in [
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
    ] {
        fs::write(dir.join("new"), text).unwrap();
        fs::rename(dir.join("new"), dir.join(name)).unwrap();
    }
    Certificate::from_der(made.cert.der()).to_owned()
}

fn trusting(certificate: &Certificate<'static>) -> ureq::Agent {
    let roots = RootCerts::Specific(Arc::new(vec![certificate.clone()]));
    ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_global(Some(Duration::from_mins(1)))
        // Each request shows the certificate anew.
        .max_idle_connections(0)
        .build()
        .new_agent()
}

fn command(fake: &FakeLightningd, dir: &TempDir) -> Command {
    let file = |name: &str| dir.path().join(name);
    let mut command = purrwall(&fake.socket(), &file("secret"));
    command.arg("--tls-certificate").arg(file("cert.pem"));
    command.arg("--tls-key").arg(file("key.pem"));
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_sells_over_tls_and_takes_a_renewed_certificate() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let first = renew(dir.path());
    let program = Program::start(command(&fake, &dir));
    let url = format!("https://127.0.0.1:{}", program.port());

    // Strangers who open connections and say nothing hold up nobody.
    let silent: Vec<_> = (0..1000.min(raise_descriptors() / 2))
        .map(|_| TcpStream::connect(("127.0.0.1", program.port())).unwrap())
        .collect();
    let agent = trusting(&first);
    let request = agent.post(format!("{url}{}", invoices_path(&item("cat"))));
    let request = request.content_type("application/json");
    let body = json!({ "purchase_id": new_purchase() }).to_string();
    let mut created = request.send(body).unwrap();
    let created: CreatedInvoice =
        serde_json::from_str(&created.body_mut().read_to_string().unwrap()).unwrap();
    fake.is_paid(&created.invoice.bolt11);
    let ask = |path: &str| {
        let request = agent.get(format!("{url}{path}"));
        let mut answer = request
            .header("authorization", l402(&created.claim))
            .call()
            .unwrap();
        answer.body_mut().read_to_vec().unwrap()
    };
    let status = ask(&format!("{INVOICE_PATH}?wait=30"));
    assert!(String::from_utf8_lossy(&status).contains("\"paid\""));
    let cat = include_bytes!("../../../gateway/cats/cat.txt");
    assert_eq!(ask(&content_path(&item("cat"))), cat);
    drop(silent);

    // A broken file leaves the one of before in use.
    fs::write(dir.path().join("cert.pem"), "half").unwrap();
    let health = format!("{url}/healthz");
    assert!(agent.get(&health).call().is_ok());
    let second = renew(dir.path());
    let agent = trusting(&second);
    eventually("the new certificate", || agent.get(&health).call().is_ok()).await;
    assert!(trusting(&first).get(&health).call().is_err());

    let (_, ended_well) = program.end();
    assert!(ended_well);
}

/// What browsers and programs are told where the gateway itself speaks TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_of_its_own_it_says_https_and_stays_there() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let certificate = renew(dir.path());
    let program = Program::start(command(&fake, &dir));
    let url = format!("https://127.0.0.1:{}", program.port());
    let agent = trusting(&certificate);
    let header = |answer: &ureq::http::Response<ureq::Body>, name: &str| {
        let value = answer.headers().get(name).expect(name);
        value.to_str().unwrap().to_owned()
    };

    let form = format!("{url}/buy/cat");
    let sent = agent
        .post(&form)
        .config()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .send_form([("purchase_id", new_purchase().to_hex())])
        .unwrap();
    assert_eq!(sent.status(), 303);
    let cookie = header(&sent, "set-cookie");
    assert!(cookie.ends_with("; Secure"), "{cookie}");

    let manifest = format!("{url}/.well-known/l402.json");
    let mut manifest = agent.get(&manifest).call().unwrap();
    for answer in [&sent, &manifest] {
        let value = header(answer, "strict-transport-security");
        assert_eq!(value, "max-age=31536000");
    }
    let manifest = manifest.body_mut().read_to_string().unwrap();
    assert!(manifest.contains(&url), "{manifest}");

    let (_, ended_well) = program.end();
    assert!(ended_well);
}

/// A handshake that was begun when the program ends is not waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_end_it_waits_for_no_handshake() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    renew(dir.path());
    let program = Program::start(command(&fake, &dir));
    let _silent = TcpStream::connect(("127.0.0.1", program.port())).unwrap();
    let (log, ended_well) = program.end();
    assert!(ended_well);
    assert!(!log.contains("in the middle of"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_certificate_is_named() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let refused = |mut command: Command| {
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let error = refused(command(&fake, &dir));
    assert!(
        error.contains("cert.pem") && error.contains("PEM"),
        "{error}"
    );
    renew(dir.path());
    let key = fs::read(dir.path().join("key.pem")).unwrap();
    renew(dir.path());
    fs::write(dir.path().join("key.pem"), key).unwrap();
    let error = refused(command(&fake, &dir));
    assert!(error.contains("does not go with"), "{error}");
    fs::write(dir.path().join("key.pem"), "").unwrap();
    let error = refused(command(&fake, &dir));
    assert!(
        error.contains("key.pem") && error.contains("private key"),
        "{error}"
    );

    let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
    command
        .arg("--tls-certificate")
        .arg(dir.path().join("cert.pem"));
    let error = refused(command);
    assert!(error.contains("tls_key"), "{error}");
}

/// Over TLS the desk may listen anywhere, and its cookie never leaves TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_over_tls_keeps_its_cookie_there() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let certificate = renew(dir.path());
    let mut command = command(&fake, &dir);
    command
        .args(["--desk-listen", "0.0.0.0:0", "--data-dir"])
        .arg(dir.path());
    let _program = Program::start(command);
    let file = dir.path().join("desk/address");
    eventually("the desk's address", || file.exists()).await;
    let url = fs::read_to_string(file).unwrap();
    let url = url
        .trim()
        .trim_end_matches('/')
        .replace("0.0.0.0", "127.0.0.1");
    assert!(url.starts_with("https://"), "{url}");

    let roots = RootCerts::Specific(Arc::new(vec![certificate]));
    let agent = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .new_agent();
    let code = purrwall_desk::new_code(dir.path()).unwrap();
    let sign_in = |origin: &str| {
        let request = agent
            .post(format!("{url}/sign-in"))
            .header("origin", origin);
        request.send_form([("code", code.as_str())]).unwrap()
    };
    assert_eq!(sign_in(&url.replace("https", "http")).status(), 403);
    let answer = sign_in(&url);
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("__Host-purrwall-desk=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    let health = |host: Option<&str>| {
        let request = agent.get(format!("{url}/health")).header("cookie", &cookie);
        let request = match host {
            Some(host) => request.header("host", host),
            None => request,
        };
        request.call().unwrap()
    };
    let mut page = health(None);
    assert_eq!(page.status(), 200);
    let page = page.body_mut().read_to_string().unwrap();
    assert!(page.contains("data-test=\"certificate\""), "{page}");
    assert_eq!(health(Some("evil.example")).status(), 403);
}
