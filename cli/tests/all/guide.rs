//! docs/store.md is followed to the letter: its commands are run one after the other in one shell.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use testing::nodes::{nodes, run};

const GUIDE: &str = include_str!("../../../docs/store.md");

#[test]
fn the_guide_leads_from_nothing_to_a_sold_picture() {
    run(async {
        let nodes = nodes().await;
        let dir = tempfile::tempdir().unwrap();
        let (home, bin, work) = (
            dir.path().join("home"),
            dir.path().join("bin"),
            dir.path().join("work"),
        );
        for folder in [&home.join("Pictures"), &bin, &work] {
            fs::create_dir_all(folder).unwrap();
        }
        let picture = b"a picture of the sea";
        fs::write(home.join("Pictures/sunset.jpg"), picture).unwrap();
        symlink(env!("CARGO_BIN_EXE_purrwall"), bin.join("purrwall")).unwrap();

        let commands: Vec<_> = GUIDE
            .split("\n```sh\n")
            .skip(1)
            .map(|rest| rest.split_once("\n```").unwrap().0)
            .collect();
        assert!(commands.len() >= 7, "{} blocks of commands", commands.len());
        let socket = |path: &std::path::Path| path.display().to_string();
        let address = free_address();
        let script = commands
            .join("\n")
            .replace("~/.lightning/bitcoin/lightning-rpc", &socket(&nodes.store))
            .replace("~/.second/bitcoin/lightning-rpc", &socket(&nodes.alice))
            .replace("127.0.0.1:8080", &address);
        let output = Command::new("bash")
            .args(["-e", "-u", "-c"])
            .arg(format!("trap 'kill $(jobs -p)' EXIT\n{script}"))
            .current_dir(&work)
            .env_clear()
            .env("HOME", &home)
            .env("PURRWALL_LISTEN", &address)
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");

        // What the text says that one sees.
        for expected in [
            "ok      secret: in my-store/.purrwall/secret",
            "sunset.jpg, 20 bytes, for 500 sat",
            "ok      node: ",
            "\"price_msat\":500000",
            "\"price_msat\":700000",
        ] {
            assert!(told.contains(expected), "{expected:?} in {told}");
        }
        assert_eq!(fs::read(work.join("bought.jpg")).unwrap(), picture);
        assert!(work.join("bought.jpg.receipt.json").exists());
    });
}

/// Free a moment ago; the guide names its port.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
