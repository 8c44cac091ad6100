//! The unit and its companions, by systemd's own programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use testing::tools::skipped;

fn packaged(name: &str) -> PathBuf {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd");
    packaging.join(name)
}

/// What the program says, or `None` where this machine does not have it.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("{program}: {error}"));
            None
        }
    }
}

#[track_caller]
fn assert_good(output: &Output) {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_unit_is_valid_and_hardened() {
    // 20 of 100: what remains open is the network, and homes to read.
    check_unit("purrwall.service", 20);
}

#[test]
fn the_guards_unit_is_valid_and_has_no_network() {
    check_unit("purrwall-guard.service", 15);
}

#[test]
fn the_drop_ins_give_ports_and_a_folder_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let drop_ins = dir.path().join("purrwall.service.d");
    fs::create_dir(&drop_ins).unwrap();
    for name in ["purrwall.service.d/ports.conf", "desk.conf"] {
        let file = Path::new(name).file_name().unwrap();
        fs::copy(packaged(name), drop_ins.join(file)).unwrap();
    }
    check_unit_in(dir.path(), "purrwall.service", 22);
}

fn check_unit(name: &str, most: u32) {
    check_unit_in(tempfile::tempdir().unwrap().path(), name, most);
}

fn check_unit_in(dir: &Path, name: &str, most: u32) {
    let unit = fs::read_to_string(packaged(name)).unwrap();
    // The program that is to be started has to exist.
    let unit = unit.replace("/usr/bin/purrwall", env!("CARGO_BIN_EXE_purrwall"));
    let path = dir.join(name);
    fs::write(&path, unit).unwrap();
    let path = path.to_str().unwrap();
    let verify = ["verify", "--man=no", "--recursive-errors=no", path];
    let Some(verified) = run("systemd-analyze", &verify) else {
        return;
    };
    assert_good(&verified);
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(!said.contains(name), "{said}");

    let threshold = format!("--threshold={most}");
    let security = [
        "security",
        "--offline=true",
        threshold.as_str(),
        "--no-pager",
        path,
    ];
    if let Some(security) = run("systemd-analyze", &security) {
        assert_good(&security);
    }
}

#[test]
fn user_and_folder_are_made() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let root_flag = format!("--root={}", root.path().display());
    let users = packaged("purrwall.sysusers");
    let Some(made) = run("systemd-sysusers", &[&root_flag, users.to_str().unwrap()]) else {
        return;
    };
    assert_good(&made);
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(users.contains("purrwall:"), "{users}");
    let folders = packaged("purrwall.tmpfiles");
    let arguments = ["--create", &root_flag, folders.to_str().unwrap()];
    if let Some(made) = run("systemd-tmpfiles", &arguments) {
        assert_good(&made);
        assert!(root.path().join("etc/purrwall").is_dir());
    }
}
