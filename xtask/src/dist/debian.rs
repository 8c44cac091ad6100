//! The Debian package sells a cat: installed as owners install it where this may, else from a
//! folder that it is unpacked into.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use anyhow::{Context as _, Result, ensure};
use rustix::process::geteuid;

use super::{
    Packages,
    sale::{Place, free_address},
};
use crate::command::{command, is_ci, output, run};

/// What is in the package beside the program.
const FILES: [&str; 7] = [
    "/usr/lib/systemd/system/purrwall.service",
    "/usr/lib/sysusers.d/purrwall.conf",
    "/usr/lib/tmpfiles.d/purrwall.conf",
    "/etc/purrwall/purrwall.toml",
    "/usr/share/doc/purrwall/copyright",
    "/usr/share/doc/purrwall/config.example.toml",
    "/usr/lib/systemd/system/purrwall-guard.service",
];

/// Where the unit keeps the secret and the goods.
const STATE: &str = "/var/lib/purrwall";

/// Buys a cat from the package.
pub(crate) fn check(packages: &Packages) -> Result<()> {
    let place = Place::new("deb")?;
    match why_not_to_install() {
        None => installed(&packages.deb, &place)?,
        Some(reason) => {
            ensure!(!is_ci(), "the package cannot be installed: {reason}");
            println!("unpacked instead of installed: {reason}");
            unpacked(&packages.deb, &place)?;
        }
    }
    place.clear()
}

/// Nobody's own machine gets a package, a user and a folder from a test.
fn why_not_to_install() -> Option<&'static str> {
    let is_container = ["/.dockerenv", "/run/.containerenv"].map(|mark| Path::new(mark).exists());
    if !is_ci() && !is_container.contains(&true) {
        Some("this is neither a container nor CI (`CI=true` says so)")
    } else if !geteuid().is_root() {
        Some("this is not root")
    } else if Path::new(STATE).exists() || output(command("dpkg").args(["-s", "purrwall"])).is_ok()
    {
        Some("there is a Purrwall on this machine already")
    } else if output(command("dpkg").args(["-s", "systemd"])).is_err() {
        Some("the package systemd is not installed, which makes the user")
    } else {
        None
    }
}

/// Installs, sells, removes, purges.
fn installed(deb: &Path, place: &Place) -> Result<()> {
    run(command("dpkg").arg("--install").arg(deb))?;
    let sold = sell_installed(place);
    run(command("dpkg").args(["--remove", "purrwall"]))?;
    // What an owner wrote outlives the program, until it is purged; the secret outlives that, too.
    let config = Path::new("/etc/purrwall/purrwall.toml");
    let (program, kept) = (Path::new("/usr/bin/purrwall").exists(), config.exists());
    run(command("dpkg").args(["--purge", "purrwall"]))?;
    let (purged, secret) = (!config.exists(), Path::new(STATE).join("secret").exists());
    fs::remove_dir_all(STATE).context("the package made no folder for the state")?;
    run(command("userdel").arg("purrwall"))?;

    sold?;
    ensure!(!program && kept, "the program is not removed as it should");
    ensure!(purged, "the configuration outlives a purge");
    ensure!(secret, "a purge took the secret with it");
    Ok(())
}

/// All that is left to be said is where lightningd is.
fn sell_installed(place: &Place) -> Result<()> {
    let id = |flag| output(command("id").args([flag, "purrwall"])).context("there is no user");
    let (user, group): (u32, u32) = (id("-u")?.parse()?, id("-g")?.parse()?);
    for name in FILES {
        ensure!(Path::new(name).is_file(), "the package has no {name}");
    }
    for (path, mode, owner) in [("/etc/purrwall", 0o750, 0), (STATE, 0o700, user)] {
        let folder = fs::metadata(path).with_context(|| format!("there is no {path}"))?;
        let found = (folder.mode() & 0o7777, folder.uid(), folder.gid());
        ensure!(
            found == (mode, owner, group),
            "{path} has mode {:o} and belongs to {}:{}",
            found.0,
            found.1,
            found.2
        );
    }
    run(command("systemd-analyze").args(["verify", "--man=no", "purrwall.service"]))?;

    // As its unit does: the guard has lightningd's socket, and its own is for the store's group, too.
    let (guard, socket) = place.guard(Path::new("/usr/bin/purrwall"))?;
    std::os::unix::fs::chown(&socket, None, Some(group))?;
    let unit = fs::read_to_string(FILES[0])?;
    let unit_says = |key: &str| {
        let mut lines = unit.lines();
        let value = lines.find_map(|line| line.strip_prefix(key));
        value.with_context(|| format!("the unit has no {key}"))
    };
    let as_its_user = || -> Result<_> {
        let mut command = command("setpriv");
        command
            .args(["--reuid", unit_says("User=")?])
            .args(["--regid", unit_says("Group=")?])
            .arg("--init-groups")
            .current_dir("/");
        Ok(command)
    };
    // As the owner asks, without what the unit says.
    let checked = output(
        as_its_user()?
            .args(["purrwall", "check", "--config", FILES[3]])
            .arg("--lightning")
            .arg(&socket),
    )?;
    ensure!(
        checked.contains(STATE),
        "the file says another data_dir: {checked}"
    );

    let address = free_address()?;
    let mut store = as_its_user()?;
    store
        .args(["env", unit_says("Environment=")?])
        .args(unit_says("ExecStart=")?.split(' '))
        .arg("--lightning")
        .arg(&socket)
        .args(["--listen", &address]);
    place.sell(store, &address, Path::new("/usr/bin/purrwall"))?;
    guard.stop()
}

/// The same from a folder: neither user nor unit, but the same program and configuration.
fn unpacked(deb: &Path, place: &Place) -> Result<()> {
    let root = place.dir().join("root");
    run(command("dpkg-deb").arg("--extract").arg(deb).arg(&root))?;
    let path = |name: &str| root.join(name.trim_start_matches('/'));
    for name in FILES {
        ensure!(path(name).is_file(), "the package has no {name}");
    }
    let address = free_address()?;
    let program = path("/usr/bin/purrwall");
    let (guard, socket) = place.guard(&program)?;
    let mut store = command(&program);
    store
        .arg("--config")
        .arg(path("/etc/purrwall/purrwall.toml"))
        .arg("--lightning")
        .arg(socket)
        .arg("--data-dir")
        .arg(place.dir().join("data"))
        .args(["--listen", &address]);
    place.sell(store, &address, &program)?;
    guard.stop()
}
