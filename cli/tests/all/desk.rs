//! The owner's desk, as its owner and as strangers use it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use testing::nodes::{nodes, pay, run};
use testing::tools::{eventually, free_port, l402};
use ureq::http::Request;

use crate::own_store::{Answer, Folder, OwnStore, agent, header, purrwall, section, text, whole};

/// A store with a desk.
pub(crate) struct WithDesk {
    pub(crate) folder: Folder,
    pub(crate) store: OwnStore,
    pub(crate) url: String,
}

impl WithDesk {
    /// A store with these sections, whose goods lie in its folder already.
    pub(crate) async fn open(folder: Folder, sections: &str) -> Self {
        Self::open_with(folder, sections, &[]).await
    }

    /// The same with these variables.
    async fn open_with(folder: Folder, sections: &str, variables: &[(&str, &str)]) -> Self {
        folder.describe(&format!("desk_listen = \"127.0.0.1:0\"\n{sections}"));
        let store = OwnStore::open_with(&folder, variables).await;
        let file = folder.path(".purrwall/desk/address");
        eventually("the desk's address", || file.exists()).await;
        let url = fs::read_to_string(file).unwrap();
        let url = url.trim().trim_end_matches('/').to_owned();
        Self { folder, store, url }
    }

    /// What `purrwall desk` prints: the address, and the code.
    async fn code(&self) -> (String, String) {
        let output = desk_command(&self.folder).await;
        assert!(output.status.success(), "{output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        let last = |line: &str| line.split_whitespace().last().unwrap().to_owned();
        let mut lines = told.lines();
        (last(lines.next().unwrap()), last(lines.next().unwrap()))
    }

    /// A request as the owner's browser sends it, but for its cookie.
    fn request(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if method == "GET" {
            return request;
        }
        request
            .header("origin", &self.url)
            .header("content-type", "application/x-www-form-urlencoded")
    }

    fn sign_in(&self, code: &str) -> Answer {
        send(self.request("POST", "/sign-in"), &format!("code={code}"))
    }

    pub(crate) async fn owner(&self) -> Owner<'_> {
        let (url, code) = self.code().await;
        assert_eq!(url, format!("{}/", self.url));
        let answer = self.sign_in(&code);
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "location")),
            (303, "/")
        );
        let cookie = header(&answer, "set-cookie");
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let mut owner = Owner {
            desk: self,
            cookie,
            csrf: String::new(),
        };
        let page = text(&owner.get("/health"));
        let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
        token.split('"').next().unwrap().clone_into(&mut owner.csrf);
        owner
    }
}

async fn desk_command(folder: &Folder) -> Output {
    let mut command = purrwall(&["desk"], &folder.file(), &nodes().await.store);
    command.output().unwrap()
}

/// Who is signed in.
pub(crate) struct Owner<'a> {
    pub(crate) desk: &'a WithDesk,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Owner<'_> {
    pub(crate) fn get(&self, path: &str) -> Answer {
        send(
            self.desk
                .request("GET", path)
                .header("cookie", &self.cookie),
            "",
        )
    }

    /// Posts these fields with the session's token.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.desk.request("POST", path);
        let request = request.header("cookie", &self.cookie);
        let csrf = [("csrf", self.csrf.as_str())];
        let fields = csrf.iter().chain(fields).map(|(name, value)| {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            format!("{name}={value}")
        });
        send(request, &fields.collect::<Vec<_>>().join("&"))
    }
}

pub(crate) fn send(request: ureq::http::request::Builder, body: &str) -> Answer {
    let request = request.body(body.to_owned()).unwrap();
    whole(agent().run(request).unwrap())
}

/// A store with a cat.
async fn cat_store() -> WithDesk {
    let folder = Folder::new("");
    folder.put("cat", b"meow");
    WithDesk::open(folder, &section("cat", "21 sat", "")).await
}

#[test]
fn a_code_signs_in_once_and_a_session_ends() {
    run(async {
        let desk = cat_store().await;
        // Nobody sees anything, and everything leads to the same form.
        for path in [
            "/",
            "/sales",
            "/goods",
            "/health",
            "/embed",
            "/sales.csv",
            "/nothing",
        ] {
            let answer = send(desk.request("GET", path), "");
            assert_eq!(answer.status(), 303, "{path}");
            assert_eq!(header(&answer, "location"), "/sign-in");
        }
        let form = send(desk.request("GET", "/sign-in"), "");
        assert!(text(&form).contains("purrwall desk"));
        let policy = header(&form, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(header(&form, "cache-control"), "no-store");

        let (_, first) = desk.code().await;
        let (_, second) = desk.code().await;
        for wrong in ["", "ABCD-EFGH-JKLM", &first] {
            let answer = desk.sign_in(wrong);
            assert_eq!(answer.status(), 422, "{wrong}");
            assert!(text(&answer).contains("opens nothing"), "{}", text(&answer));
            assert!(answer.headers().get("set-cookie").is_none());
        }
        let answer = desk.sign_in(&second.to_lowercase().replace('-', " ").replace(' ', "+"));
        assert_eq!(answer.status(), 303, "{}", text(&answer));
        assert_eq!(desk.sign_in(&second).status(), 422, "a code is good once");

        let owner = desk.owner().await;
        let page = owner.get("/sales");
        assert_eq!(page.status(), 200);
        assert!(text(&page).contains("Sales"));
        assert!(!desk.store.log().contains(&second));
        let out = owner.post("/sign-out", &[]);
        assert_eq!(header(&out, "location"), "/sign-in");
        assert_eq!(owner.get("/sales").status(), 303);
    });
}

const PATHS: [&str; 19] = [
    "/",
    "/sales",
    "/sales.csv",
    "/sales/rebuild",
    "/goods",
    "/goods/add",
    "/goods/cat/change",
    "/goods/cat/off",
    "/goods/cat/up",
    "/health",
    "/health/resend",
    "/health/backup",
    "/embed",
    "/embed/cat",
    "/sign-out",
    "/../sales",
    "/%2e%2e/secret",
    "/goods/..%2f..%2fsecret",
    "/sales?days=all",
];

#[test]
fn a_strangers_thousand_requests_open_nothing() {
    run(async {
        let desk = cat_store().await;
        let (_, code) = desk.code().await;
        let before = fs::read_to_string(desk.folder.file()).unwrap();
        let cookies = [
            "",
            "purrwall-desk=",
            "purrwall-desk=0",
            "purrwall-desk=' OR 1=1",
            "__Host-purrwall-desk=x",
            "purrwall-desk=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ];
        let mut asked = 0;
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            for path in PATHS {
                for cookie in cookies {
                    let request = desk.request(method, path).header("cookie", cookie);
                    let answer = send(request, "csrf=x&id=cat&title=Mine");
                    let status = answer.status().as_u16();
                    assert_eq!(
                        status,
                        if method == "GET" { 303 } else { 401 },
                        "{method} {path}"
                    );
                    if status == 303 {
                        assert_eq!(header(&answer, "location"), "/sign-in");
                    }
                    assert!(answer.headers().get("set-cookie").is_none());
                    assert!(!text(&answer).contains("tab-sales"));
                    asked += 1;
                }
            }
        }
        // Codes are tried in vain, and soon not even looked at.
        let mut limited = 0;
        for number in 0..320 {
            let answer = desk.sign_in(&format!("AAAA-AAAA-{number:04}"));
            if answer.status() == 429 {
                assert!(header(&answer, "retry-after").parse::<u64>().unwrap() <= 7);
                limited += 1;
            } else {
                assert_eq!(answer.status(), 422);
            }
            asked += 1;
        }
        assert!(asked >= 1000, "only {asked}");
        assert!(limited > 200, "only {limited} were limited");
        assert_eq!(fs::read_to_string(desk.folder.file()).unwrap(), before);
        let kept = desk.folder.path(".purrwall/desk/code");
        assert!(kept.exists(), "nobody used up the code {code}");
    });
}

/// Another host, another origin, a page of another site or of another port on the same host: with the
/// owner's own cookie, and even with the token.
#[test]
fn another_page_does_nothing_in_the_owners_name() {
    run(async {
        let desk = cat_store().await;
        let owner = desk.owner().await;
        let before = owner.file();
        let form = format!("csrf={}&which=7d", owner.csrf);
        let others = [
            ("host", "evil.example"),
            ("host", "127.0.0.1.evil.example"),
            ("host", "user@127.0.0.1"),
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:1"),
            ("origin", "https://localhost"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ];
        for path in PATHS {
            for (name, value) in others {
                for method in ["GET", "POST"] {
                    let mut request = desk.request(method, path).header("cookie", &owner.cookie);
                    let headers = request.headers_mut().unwrap();
                    headers.insert(name, value.parse().unwrap());
                    let answer = send(request, &form);
                    assert_eq!(answer.status(), 403, "{method} {path} {name} {value}");
                }
            }
        }
        // Without an origin, or without the token, nothing is changed either.
        for path in PATHS.iter().filter(|path| !path.contains('?')) {
            let mut request = desk.request("POST", path).header("cookie", &owner.cookie);
            request.headers_mut().unwrap().remove("origin");
            assert_eq!(send(request, &form).status(), 403, "{path}");
            let request = desk.request("POST", path).header("cookie", &owner.cookie);
            let status = send(request, "csrf=wrong&which=7d").status().as_u16();
            assert!([400, 403, 404].contains(&status), "{path} {status}");
        }
        assert_eq!(owner.file(), before);
        assert_eq!(
            owner.get("/sales").status(),
            200,
            "the owner is still there"
        );
    });
}

#[test]
fn sales_are_listed_and_summed_as_they_come() {
    run(async {
        let folder = Folder::new("");
        folder.put("cat", b"meow");
        // Other tests sell at the same node at the same time.
        let sections = ["store_id = \"desk-sales\"\n", &section("cat", "21 sat", "")];
        let desk = WithDesk::open(folder, &sections.concat()).await;
        let owner = desk.owner().await;
        assert_eq!(listed(&text(&owner.get("/sales?days=all"))), 0);
        for _ in 0..3 {
            desk.store.buy("cat").await;
        }
        eventually("the sums", || {
            let page = text(&owner.get("/sales?days=1"));
            page.contains("data-test=\"received\">63\u{a0}sat<")
                || page.contains("data-test=\"received\">63 sat<")
        })
        .await;
        let page = text(&owner.get("/sales?days=all"));
        assert_eq!(listed(&page), 3, "{page}");
        assert!(page.contains("data-test=\"sum-cat\""));
        assert!(
            page.contains("<svg role=\"img\""),
            "a plot that needs no script"
        );

        // It follows, and can be lost at any time.
        owner.post("/sales/rebuild", &[]);
        eventually("the sums again", || {
            let page = text(&owner.get("/sales?days=1"));
            page.contains("data-test=\"sales\">3<") && !page.contains("data-test=\"incomplete\"")
        })
        .await;

        let csv = owner.get("/sales.csv?days=1");
        assert!(header(&csv, "content-disposition").contains("attachment; filename=\"sales-1-"));
        let csv = text(&csv);
        let mut lines = csv.lines();
        assert_eq!(
            lines.next().unwrap(),
            "paid_at,item,amount_msat,amount_received_msat,payment_hash"
        );
        assert_eq!(lines.clone().count(), 3);
        assert!(
            lines.all(|line| line.contains(",cat,21000,21000,")),
            "{csv}"
        );
    });
}

/// How many sales the list of a page has.
fn listed(page: &str) -> usize {
    page.matches("class=\"time\"").count()
}

#[test]
fn health_shows_the_node_the_disk_and_the_secret() {
    run(async {
        let desk = cat_store().await;
        let owner = desk.owner().await;
        let page = text(&owner.get("/health"));
        for expected in [
            "data-test=\"node\"",
            "data-test=\"followed\"",
            "data-test=\"disk\"",
            "data-test=\"open-invoices\"",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(!page.contains("data-test=\"refusals\""));
        assert!(page.contains("note-backup"));
        assert_eq!(owner.post("/health/backup", &[]).status(), 303);
        let page = text(&owner.get("/health"));
        assert!(page.contains("data-test=\"backed-up\"") && page.contains("data-test=\"done\""));
        let again = text(&owner.get("/health"));
        assert!(!again.contains("data-test=\"done\""), "it is said once");

        let wrong = owner.post("/health/resend", &[("which", "yesterday")]);
        assert_eq!(wrong.status(), 422);
        assert!(text(&wrong).contains("neither a payment hash nor a moment"));
    });
}

#[test]
fn who_paid_and_was_refused_stands_on_top() {
    run(async {
        let folder = Folder::new("");
        folder.put("cat", b"meow");
        folder.put("dog", b"woof");
        let sections = [section("cat", "21 sat", ""), section("dog", "2 sat", "")];
        let desk = WithDesk::open(folder, &sections.concat()).await;
        let owner = desk.owner().await;
        let created = desk.store.create("cat");
        let preimage = pay(&nodes().await.alice, &created.invoice.bolt11).await;
        let credential = format!("{}:{preimage}", l402(&created.claim));
        let answer = desk.store.get(
            "/api/v1/items/dog/content",
            &[("authorization", &credential)],
        );
        assert_eq!(answer.status(), 401);
        eventually("the refusal", || {
            text(&owner.get("/health")).contains("data-test=\"refusals\"")
        })
        .await;
        let page = text(&owner.get("/health"));
        assert!(page.contains("claim for another item"), "{page}");
        assert!(page.contains(&created.invoice.payment_hash.to_hex()));
        assert!(
            page.find("refusals").unwrap() < page.find("\"node\"").unwrap(),
            "on top"
        );
    });
}

#[test]
fn webhooks_that_wait_are_shown_and_sent_again() {
    run(async {
        let folder = Folder::new("");
        folder.put("cat", b"meow");
        let nobody = format!("http://127.0.0.1:{}/hook?key=s3cret", free_port());
        let settings = format!("store_id = \"desk-hooks\"\nwebhooks = \"{nobody}\"\n");
        let desk = WithDesk::open(
            folder,
            &[&settings, &*section("cat", "21 sat", "")].concat(),
        )
        .await;
        let owner = desk.owner().await;
        let created = desk.store.create("cat");
        pay(&nodes().await.alice, &created.invoice.bolt11).await;
        eventually("the webhook", || {
            text(&owner.get("/health")).contains("1 are on their way")
        })
        .await;
        assert!(!text(&owner.get("/health")).contains("s3cret"));

        let hash = created.invoice.payment_hash.to_hex();
        for (which, told) in [
            (hash.as_str(), "1 payments are reported again"),
            ("7d", "1 payments are reported again"),
            (&*"ab".repeat(32), "no such payment"),
        ] {
            let answer = owner.post("/health/resend", &[("which", which)]);
            assert_eq!(answer.status(), 303, "{}", text(&answer));
            let page = text(&owner.get("/health"));
            assert!(page.contains(told), "{which}: {page}");
        }
    });
}

#[test]
fn the_desk_speaks_the_browsers_language() {
    run(async {
        let desk = cat_store().await;
        let says = |language: &str| {
            let request = desk
                .request("GET", "/sign-in")
                .header("accept-language", language);
            text(&send(request, ""))
        };
        assert!(says("de-DE,de;q=0.9").contains("<html lang=\"de\" dir=\"ltr\">"));
        assert!(says("ar").contains("<html lang=\"ar\" dir=\"rtl\">"));
        assert!(says("xx").contains("<html lang=\"en\" dir=\"ltr\">"));
    });
}

#[test]
fn a_store_without_a_desk_says_how_to_have_one() {
    run(async {
        let folder = Folder::new("");
        let output = desk_command(&folder).await;
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("desk_listen = \"127.0.0.1:8090\""), "{told}");
        folder.describe("desk_listen = \"0.0.0.0:8090\"\n");
        let output = desk_command(&folder).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("purrwall.toml:1") && told.contains("ssh -L"),
            "{told}"
        );
    });
}

/// A form with files, as browsers send it.
fn multipart(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!("--cats\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    for (name, file, bytes) in files {
        let head = format!(
            "--cats\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cats--\r\n");
    body
}

const GOOD: [(&str, &str); 4] = [
    ("title", "A song"),
    ("teaser", "La la."),
    ("price", "30 sat"),
    ("valid_for", ""),
];

impl Owner<'_> {
    fn upload(&self, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Answer {
        let fields = [&[("csrf", self.csrf.as_str())], fields].concat();
        self.upload_bytes(multipart(&fields, files))
    }

    fn upload_bytes(&self, body: Vec<u8>) -> Answer {
        let request = Request::post(format!("{}/goods/add", self.desk.url))
            .header("origin", &self.desk.url)
            .header("cookie", &self.cookie)
            .header("content-type", "multipart/form-data; boundary=cats")
            .body(body);
        whole(agent().run(request.unwrap()).unwrap())
    }

    fn version(&self) -> String {
        let page = text(&self.get("/goods"));
        let version = page.split("name=\"version\" value=\"").nth(1).unwrap();
        version.split('"').next().unwrap().to_owned()
    }

    fn file(&self) -> String {
        fs::read_to_string(self.desk.folder.file()).unwrap()
    }

    /// What lies in the folder of uploads.
    fn uploads(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.desk.folder.path("goods")) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn an_upload_is_sold_and_bought() {
    run(async {
        let desk = cat_store().await;
        let owner = desk.owner().await;
        let before = owner.file();
        let song: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let answer = owner.upload(&GOOD, &[("file", "../My\u{202e} Song.MP3", &song)]);
        assert_eq!(answer.status(), 303, "{}", text(&answer));
        assert_eq!(owner.uploads(), ["my-song.mp3"]);
        let section = "\n[[item]]\nid = \"my-song\"\ntitle = \"A song\"\nteaser = \"La la.\"\n\
            file = \"goods/my-song.mp3\"\nprice = \"30 sat\"\n";
        assert!(owner.file().contains(section), "{}", owner.file());
        assert!(
            owner.file().starts_with(before.trim_end()),
            "nothing else was touched"
        );

        let offers = desk.store.offers();
        let offer = offers
            .iter()
            .find(|offer| offer.id.as_str() == "my-song")
            .unwrap();
        assert_eq!(
            (offer.title.as_str(), offer.price_msat.0),
            ("A song", 30_000)
        );
        let claim = desk.store.buy("my-song").await;
        assert_eq!(desk.store.content("my-song", &claim, &[]).body(), &song);
        eventually("the sale on the page of goods", || {
            text(&owner.get("/goods")).contains("data-test=\"bought\">1<")
        })
        .await;

        // The same name again is another file and another item.
        let answer = owner.upload(&GOOD, &[("file", "my song.mp3", b"other")]);
        assert_eq!(answer.status(), 303, "{}", text(&answer));
        assert_eq!(owner.uploads(), ["my-song-2.mp3", "my-song.mp3"]);
        assert!(owner.file().contains("id = \"my-song-2\""));
    });
}

#[test]
fn what_is_wrong_with_an_upload_is_told_and_nothing_is_kept() {
    run(async {
        let desk = cat_store().await;
        let owner = desk.owner().await;
        let before = owner.file();
        let with = |name: &'static str, value: &'static str| {
            GOOD.map(|(known, old)| (known, if known == name { value } else { old }))
        };
        let file: [(&str, &str, &[u8]); 1] = [("file", "song.mp3", b"la")];
        for (fields, files, told) in [
            (with("price", "0 sat"), &file[..], "The price is nothing"),
            (with("price", "free"), &file[..], "a number and a unit"),
            (with("price", "1 EUR"), &file[..], "[rates.EUR]"),
            (with("title", ""), &file[..], "The title is empty"),
            (with("title", "A \u{202e}song"), &file[..], "U+202E"),
            (with("valid_for", "soon"), &file[..], "valid_for"),
            (GOOD, &[][..], "No file was chosen"),
            (GOOD, &[("file", "", &b""[..])][..], "No file was chosen"),
            (
                GOOD,
                &[("file", "song.mp3", &b""[..])][..],
                "The file is empty",
            ),
            (
                GOOD,
                &[
                    ("file", "song.mp3", &b"la"[..]),
                    ("preview", "small.png", &b"no picture"[..]),
                ][..],
                "preview",
            ),
        ] {
            let answer = owner.upload(&fields, files);
            assert_eq!(answer.status(), 422, "{told}: {}", text(&answer));
            assert!(text(&answer).contains(told), "{told}: {}", text(&answer));
        }
        // One that breaks off, one that is nonsense, one without the token.
        let mut body = multipart(
            &[&[("csrf", owner.csrf.as_str())], &GOOD[..]].concat(),
            &file,
        );
        body.truncate(body.len() - 12);
        for body in [body, b"nonsense".to_vec(), Vec::new()] {
            let answer = owner.upload_bytes(body);
            assert!(
                [400, 403].contains(&answer.status().as_u16()),
                "{}",
                text(&answer)
            );
        }
        let answer = owner.upload_bytes(multipart(&GOOD, &file));
        assert_eq!(answer.status(), 403, "{}", text(&answer));
        // One whose connection ends in the middle.
        let mut head = format!(
            "POST /goods/add HTTP/1.1\r\nhost: {0}\r\norigin: http://{0}\r\ncookie: {1}\r\n\
             content-type: multipart/form-data; boundary=cats\r\ncontent-length: 100000\r\n\r\n",
            desk.url.trim_start_matches("http://"),
            owner.cookie,
        )
        .into_bytes();
        let mut body = multipart(
            &[&[("csrf", owner.csrf.as_str())], &GOOD[..]].concat(),
            &file,
        );
        body.truncate(body.len() - 12);
        head.extend_from_slice(&body);
        {
            let mut line = TcpStream::connect(desk.url.trim_start_matches("http://")).unwrap();
            line.write_all(&head).unwrap();
            eventually("the draft", || !owner.uploads().is_empty()).await;
        }
        eventually("nothing of it", || owner.uploads().is_empty()).await;

        assert_eq!(owner.file(), before);
        assert_eq!(desk.store.offers().len(), 1);
        assert_eq!(owner.uploads(), [""; 0]);
    });
}

#[test]
fn a_file_that_does_not_fit_on_the_disk_is_refused_before_it_is_sent() {
    run(async {
        let desk = cat_store().await;
        let owner = desk.owner().await;
        let file: [(&str, &str, &[u8]); 1] = [("file", "song.mp3", b"la")];
        let body = multipart(
            &[&[("csrf", owner.csrf.as_str())], &GOOD[..]].concat(),
            &file,
        );
        let address = desk.url.trim_start_matches("http://");
        let mut line = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /goods/add HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: {}\r\n\
             content-type: multipart/form-data; boundary=cats\r\ncontent-length: {}\r\n\r\n",
            owner.cookie,
            u64::MAX / 4,
        );
        line.write_all(head.as_bytes()).unwrap();
        line.write_all(&body).unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).ok();
        assert!(answer.starts_with("HTTP/1.1 507 "), "{answer}");
        assert!(answer.contains("not enough room on the disk"), "{answer}");
        assert_eq!(owner.uploads(), [""; 0]);
    });
}

/// What libfiu does to the program from now on, as `fiu-ctrl` takes it.
fn disturb(desk: &WithDesk, what: &str) {
    let output = Command::new("fiu-ctrl")
        .arg("-f")
        .arg(desk.folder.path("fiu"))
        .args(["-c", what, &desk.store.pid().to_string()])
        .output()
        .expect("fiu-utils are there: `cargo xtask setup` installs them");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_disk_that_gets_full_under_an_upload_is_told_and_nothing_is_lost() {
    run(async {
        let folder = Folder::new("");
        folder.put("cat", b"meow");
        let (libraries, fifo) = (
            "/usr/lib/fiu/fiu_run_preload.so /usr/lib/fiu/fiu_posix_preload.so",
            folder.path("fiu"),
        );
        let variables = [
            ("LD_PRELOAD", libraries),
            ("FIU_CTRL_FIFO", fifo.to_str().unwrap()),
        ];
        let sections = section("cat", "21 sat", "");
        let desk = WithDesk::open_with(folder, &sections, &variables).await;
        let owner = desk.owner().await;
        let before = owner.file();
        let file: [(&str, &str, &[u8]); 1] = [("file", "song.mp3", b"la la la")];

        // ENOSPC when the bytes are to stay on the disk: there was room when the upload began.
        disturb(&desk, "enable name=posix/io/sync/fsync,failinfo=28");
        let answer = owner.upload(&GOOD, &file);
        assert_eq!(answer.status(), 507);
        let page = text(&answer);
        assert!(page.contains("not enough room on the disk"), "{page}");
        assert!(page.contains("Nothing was kept"), "{page}");
        assert_eq!(owner.uploads(), [""; 0]);
        assert_eq!(owner.file(), before);
        assert_eq!(desk.store.offers().len(), 1, "what was sold is sold");

        // With room again, the same upload is taken.
        disturb(&desk, "disable name=posix/io/sync/fsync");
        let answer = owner.upload(&GOOD, &file);
        assert_eq!(answer.status(), 303, "{}", text(&answer));
        assert_eq!(owner.uploads(), ["song.mp3"]);
        assert_eq!(desk.store.offers().len(), 2);
    });
}

#[test]
fn goods_are_changed_moved_and_taken_off_and_comments_stay() {
    run(async {
        let folder = Folder::new("");
        folder.put("cat", b"meow");
        folder.put("dog", b"woof");
        let sections = [
            "# My goods.\n".to_owned(),
            section("cat", "21 sat", "# by hand"),
            section("dog", "2 sat", ""),
        ];
        let desk = WithDesk::open(folder, &sections.concat()).await;
        let owner = desk.owner().await;
        let new = |version: &str, price: &str| {
            let fields = [
                ("version", version),
                ("title", "Un chat"),
                ("teaser", ""),
                ("price", price),
                ("valid_for", ""),
            ];
            owner.post("/goods/cat/change", &fields)
        };
        let version = owner.version();
        let answer = new(&version, "0 msat");
        assert_eq!(answer.status(), 422, "{}", text(&answer));
        assert_eq!(new(&version, "25 sat").status(), 303);
        let offers = desk.store.offers();
        assert_eq!(
            (offers[0].title.as_str(), offers[0].price_msat.0),
            ("Un chat", 25_000)
        );
        let file = owner.file();
        assert!(
            file.contains("title = \"Un chat\"\nfile = \"cat\"\nprice = \"25 sat\"\n# by hand\n"),
            "{file}"
        );

        // Two desks at once, and an edit by hand: the later one sees what happened, and loses nothing.
        let by_hand = file.replace("\"2 sat\"", "\"3 sat\"");
        let version = owner.version();
        desk.folder.describe(&by_hand);
        let answer = new(&version, "99 sat");
        assert_eq!(answer.status(), 409);
        let page = text(&answer);
        assert!(
            page.contains("Somebody changed") && page.contains("value=\"99 sat\""),
            "{page}"
        );
        assert_eq!(owner.file(), by_hand);
        let version = owner.version();
        assert_eq!(new(&version, "99 sat").status(), 303);
        assert!(owner.file().contains("\"3 sat\"") && owner.file().contains("\"99 sat\""));

        let version = owner.version();
        assert_eq!(
            owner
                .post("/goods/dog/up", &[("version", &version)])
                .status(),
            303
        );
        let ids = || -> Vec<String> {
            let offers = desk.store.offers().into_iter();
            offers.map(|offer| offer.id.to_string()).collect()
        };
        assert_eq!(ids(), ["dog", "cat"]);
        assert_eq!(
            owner
                .post("/goods/dog/up", &[("version", &version)])
                .status(),
            409
        );

        let claim = desk.store.buy("cat").await;
        let version = owner.version();
        assert_eq!(
            owner
                .post("/goods/cat/off", &[("version", &version)])
                .status(),
            303
        );
        assert_eq!(ids(), ["dog"]);
        assert!(
            owner.file().contains("# id = \"cat\"\n"),
            "{}",
            owner.file()
        );
        assert_eq!(
            desk.store.content("cat", &claim, &[]).body(),
            b"meow",
            "who bought it still gets it"
        );

        // A file that is broken by hand is left alone.
        let version = owner.version();
        desk.folder.describe("[[item]\n");
        let answer = owner.post("/goods/dog/off", &[("version", &version)]);
        assert_eq!(answer.status(), 409, "{}", text(&answer));
        assert_eq!(owner.file(), "[[item]\n");
        assert!(text(&owner.get("/goods")).contains("cannot be read at the moment"));
        let missing = owner.post("/goods/cat/off", &[("version", &version)]);
        assert_eq!(missing.status(), 409);
    });
}

#[test]
fn lines_and_posters_name_the_node_and_the_store() {
    run(async {
        let folder = Folder::new("");
        folder.put("cat", b"meow");
        let sections = section("cat", "21 sat", "teaser = \"<b>Soft</b>\"");
        let desk = WithDesk::open(
            folder,
            &format!("public_url = \"https://cats.example\"\n{sections}"),
        )
        .await;
        let owner = desk.owner().await;
        let page = text(&owner.get("/embed"));
        let node = testing::nodes::call(&nodes().await.store, "getinfo", serde_json::json!({}))
            .await
            .unwrap();
        let id = node["id"].as_str().unwrap();
        let lines = format!(
            "&lt;script type=&quot;module&quot; src=&quot;https://cats.example/widget.js&quot;&gt;&lt;/script&gt;\n\
             &lt;purr-wall item=&quot;cat&quot; payee=&quot;{id}&quot;&gt;\
             &lt;a href=&quot;https://cats.example/buy/cat&quot;&gt;cat&lt;/a&gt;&lt;/purr-wall&gt;"
        );
        assert!(page.contains(&lines), "{page}");
        let poster = text(&owner.get("/embed/cat"));
        assert!(
            poster.contains("cat@cats.example") && !poster.contains("data-test=\"no-code\""),
            "{poster}"
        );
        assert!(
            poster.contains("https://cats.example/buy/cat") && poster.contains("data-test=\"qr\"")
        );
        assert!(poster.contains("&lt;b&gt;Soft"), "{poster}");
        assert_eq!(owner.get("/embed/dog").status(), 404);
    });
}
