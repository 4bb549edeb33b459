//! Two directories, a queue, and worker processes on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use pg_clone_tests::blob_queue::{BlobQueue, File, said};

/// A directory of files under the test's own name, and a queue on it.
pub struct Scene {
    pub root: PathBuf,
    pub queue: BlobQueue,
}

impl Scene {
    pub async fn set(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let queue = BlobQueue::create(name, &format!("file:{}", root.display()))
            .await
            .unwrap();
        Self { root, queue }
    }

    pub fn source(&self, n: usize) -> PathBuf {
        self.root.join(format!("source-{n}/v1"))
    }

    pub fn target(&self, n: usize) -> PathBuf {
        self.root.join(format!("target-{n}/v2"))
    }

    /// Writes the sources `0..count` and queues their copies.
    pub async fn fill(&self, count: usize, size: usize) {
        for n in 0..count {
            fs::create_dir(self.source(n).parent().unwrap()).unwrap();
            fs::write(self.source(n), content(n, size)).unwrap();
        }
        let files: Vec<File> = (0..count).map(File::numbered).collect();
        self.queue.queue(&files).await.unwrap();
    }

    pub fn check(&self, count: usize, size: usize) {
        for n in 0..count {
            assert!(
                fs::read(self.target(n)).unwrap() == content(n, size),
                "target {n}"
            );
        }
    }

    /// Asserts that the directory has only complete sources and targets.
    pub fn check_tidy(&self) {
        for directory in fs::read_dir(&self.root).unwrap().map(Result::unwrap) {
            for file in fs::read_dir(directory.path()).unwrap().map(Result::unwrap) {
                assert!(
                    ["v1", "v2"].iter().any(|name| file.file_name() == *name),
                    "left: {:?}",
                    file.path()
                );
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Bytes that differ from file to file, made by copying: a test program without optimisation computes slowly.
pub fn content(n: usize, size: usize) -> Vec<u8> {
    let mut bytes = format!("file {n} ").into_bytes().repeat(size / 6);
    bytes.truncate(size);
    bytes
}

/// Runs a worker to its end, which must come within a minute.
pub fn finish(command: &mut Command) -> Output {
    let start = Instant::now();
    let output = command.output().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "took {:?}: {}",
        start.elapsed(),
        said(&output)
    );
    output
}

/// Asserts the exit code; a failure shows the output.
pub fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}
