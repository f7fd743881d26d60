//! Secrets in files: made once, found again, for nobody else to read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use hub_config::secrets;

#[test]
fn a_secret_is_made_once_with_mode_0600_and_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("deep/data");
    let first = secrets::admin_token(&data).unwrap();
    let second = secrets::admin_token(&data).unwrap();
    assert!(first.is_new && !second.is_new);
    assert!(first.secret.secret().matches(second.secret.secret().expose()));
    assert!(first.secret.secret().expose().len() >= 43);

    let key = secrets::master_key(&data).unwrap();
    assert_eq!(key.secret.expose(), secrets::master_key(&data).unwrap().secret.expose());
    for path in [&first.path, &key.path] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let mut names: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["admin-token", "master.key"]);
}

#[test]
fn instances_that_start_together_end_up_with_one_secret() {
    let directory = tempfile::tempdir().unwrap();
    let made: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| secrets::master_key(directory.path()).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|kept| kept.is_new).count(), 1);
    assert!(made.iter().all(|kept| kept.secret.expose() == made[0].secret.expose()));
}

#[test]
fn a_spoilt_file_is_an_error_that_does_not_show_it_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    fs::write(&path, "spoilt").unwrap();
    let error = secrets::master_key(directory.path()).unwrap_err();
    assert!(
        error.to_string().contains("master.key") && !format!("{error} {error:?}").contains("spoilt"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "spoilt");
}
