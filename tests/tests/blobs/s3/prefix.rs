//! Rows that stand for all objects below a prefix.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use pg_clone_tests::blob_queue::{File, said};
use pg_clone_tests::s3_objects::{self, put};

use super::scene::{Scene, assert_code, finish};

fn prefix() -> File {
    File {
        source: "binary/set/".into(),
        target: "binary/copy/".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn a_prefix_of_more_objects_than_one_page_lists_is_copied_whole() {
    const COUNT: usize = 2345;
    let scene = Scene::set("s3-pages").await;
    let (scene, bucket) = (&scene, &scene.from());
    let keys = (0..COUNT).map(|n| format!("binary/set/{}/{n}", n % 7));
    let puts = keys
        .chain(["binary/set2/other".into()])
        .map(|key| async move { put(&scene.client, bucket, &key, key.clone().into_bytes()).await });
    let puts = stream::iter(puts).buffer_unordered(16);
    puts.try_collect::<Vec<_>>().await.unwrap();
    scene.queue.queue(&[prefix()]).await.unwrap();
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    let pages = scene.proxy.log();
    let pages = pages
        .iter()
        .filter(|exchange| exchange.uri.contains("list-type=2"));
    assert_eq!(pages.count(), 3, "pages of 1,000 keys");
    let copies = s3_objects::list(&scene.client, &scene.to(), "").await.unwrap();
    assert_eq!(copies.len(), COUNT);
    for (n, key) in (0..COUNT).map(|n| (n, format!("binary/copy/{}/{n}", n % 7))) {
        let size = format!("binary/set/{}/{n}", n % 7).len() as i64;
        assert_eq!(copies.get(&key), Some(&size), "{key}");
    }
    assert_eq!(scene.queue.done_by("server").await.unwrap(), COUNT as i64);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn deleting_a_prefix_fails_for_good_and_deletes_nothing() {
    let scene = Scene::set("s3-delete-prefix").await;
    for key in ["binary/copy/", "binary/copy/a", "binary/copy"] {
        put(&scene.client, &scene.to(), key, b"kept".to_vec())
            .await
            .unwrap();
    }
    let before = s3_objects::list(&scene.client, &scene.to(), "").await.unwrap();
    let keys = ["binary/copy/", "binary/", "/"].map(str::to_owned);
    scene.queue.queue_deletes(&keys).await.unwrap();
    let output = finish(scene.bucket_worker(&[])).await;
    assert_code(&output, 3);
    assert!(
        said(&output).contains("binary/copy/ stands for all files below it"),
        "{}",
        said(&output)
    );
    let for_good =
        "SELECT count(*) FROM clone.blob_copy WHERE state = 'failed' AND error_is_permanent AND attempts = 1";
    let for_good = scene.queue.client.query_one(for_good, &[]).await.unwrap();
    assert_eq!(for_good.get::<_, i64>(0), 3);
    let after = s3_objects::list(&scene.client, &scene.to(), "").await.unwrap();
    assert_eq!(after, before);
    assert!(after.len() >= 2, "{after:?}");
}
