//! A container with nothing but the program in it sells a cat: Docker's where a daemon answers,
//! else an empty root folder with what the Dockerfile says.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use rustix::process::geteuid;

use super::{
    Packages,
    sale::{Place, free_address},
};
use crate::command::{command, is_ci, output, root, run};

const DOCKERFILE: &str = "packaging/Dockerfile";

/// Buys a cat from what the Dockerfile makes.
pub(crate) fn check(packages: &Packages) -> Result<()> {
    let daemon = output(command("docker").args(["version", "--format", "{{.Server.Version}}"]));
    if let Ok(version) = daemon {
        println!("with Docker {version}");
        let place = Place::new("docker")?;
        in_docker(&packages.unpacked, &place)?;
        return place.clear();
    }
    if geteuid().is_root() {
        println!("in an empty root folder: no Docker daemon answers");
        let place = Place::new("chroot")?;
        in_empty_root(&packages.unpacked, &place)?;
        return place.clear();
    }
    let why = "no Docker daemon answers, and only root may change the root folder";
    ensure!(!is_ci(), "the container cannot be tested: {why}");
    println!("skipped: {why}");
    Ok(())
}

fn in_docker(unpacked: &Path, place: &Place) -> Result<()> {
    let image = format!("purrwall-test-{}", std::process::id());
    run(command("docker")
        .args(["build", "--quiet", "--tag", &image, "--file"])
        .arg(root().join(DOCKERFILE))
        .arg(unpacked))?;
    let (data, node) = (place.dir().join("data"), place.dir().join("net/store"));
    fs::create_dir(&data)?;
    let address = free_address()?;
    let user = output(command("sh").args(["-c", "echo $(id -u):$(id -g)"]))?;
    let mut store = command("docker");
    store
        .args(["run", "--rm", "--network", "host", "--user", &user])
        .arg("--volume")
        .arg(format!("{}:/data", data.display()))
        .arg("--volume")
        .arg(format!("{}:/lightning", node.display()))
        .args([&image, "--listen", &address]);
    let sold = place.sell(store, &address, &unpacked.join("purrwall"));
    run(command("docker").args(["image", "rm", "--force", &image]))?;
    sold?;
    ensure!(data.join("secret").is_file(), "there is no secret in /data");
    Ok(())
}

/// The Dockerfile's own words, without Docker.
fn in_empty_root(unpacked: &Path, place: &Place) -> Result<()> {
    let text = fs::read_to_string(root().join(DOCKERFILE))?;
    let text = text.replace("\\\n", " ");
    let lines = |instruction: &'static str| {
        text.lines()
            .filter_map(move |line| line.strip_prefix(instruction))
    };
    let container = place.dir().join("container");
    let inside = |path: &str| container.join(path.trim_start_matches('/'));
    for copied in lines("COPY ") {
        let (from, to) = copied.split_once(' ').context("COPY takes two paths")?;
        let to = inside(to);
        fs::create_dir_all(to.parent().context("the root is no file")?)?;
        fs::copy(unpacked.join(from), &to).with_context(|| format!("the tarball has no {from}"))?;
    }
    for folder in ["/data", "/lightning"] {
        fs::create_dir(inside(folder))?;
    }
    fs::hard_link(place.lightning_rpc(), inside("/lightning/lightning-rpc"))?;

    let address = free_address()?;
    let entry = lines("ENTRYPOINT ").next().context("no ENTRYPOINT")?;
    let entry = entry.trim_matches(['[', ']', '"']);
    let mut store = Command::new("chroot");
    store.arg(&container).arg(entry).env_clear();
    // Docker sets it, too; here it leads to `chroot`.
    store.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    for pair in lines("ENV ").flat_map(str::split_whitespace) {
        let (name, value) = pair.split_once('=').context("ENV takes NAME=VALUE")?;
        store.env(name, value);
    }
    store.env("PURRWALL_LISTEN", &address);
    place.sell(store, &address, &unpacked.join("purrwall"))?;
    ensure!(
        inside("/data/secret").is_file(),
        "there is no secret in /data"
    );
    Ok(())
}
