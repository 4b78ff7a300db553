//! RTMP tasks.

use super::*;

#[test]
fn a_room_keeps_three_tasks_of_its_broadcasters_until_it_is_gone() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.join(ALICE), bench.join(BOB));
    let task = |id: &str| Task { task_id: id.into(), ..serde_json::from_str(TASK).unwrap() };
    assert_eq!(bench.hub.add_task(CID, ALICE, task("a")), Ok(()));
    assert_eq!(bench.hub.add_task(CID, ALICE, task("a")), Err(TaskRefusal::Duplicate));
    assert_eq!(bench.hub.add_task(CID, BOB, task("b")), Ok(()));
    assert_eq!(bench.hub.add_task(CID, BOB, task("c")), Ok(()));
    assert_eq!(bench.hub.add_task(CID, BOB, task("d")), Err(TaskRefusal::TooMany));
    assert_eq!(bench.hub.update_task(CID, BOB, task("d")), Err(TaskRefusal::Unknown));
    assert_eq!(bench.hub.add_task(CID, CAROL, task("d")), Err(TaskRefusal::NotABroadcaster));
    assert_eq!(bench.hub.add_task(Cid(7), ALICE, task("d")), Err(TaskRefusal::NotABroadcaster));
    assert!(matches!(bench.hub.update_task(CID, ALICE, task("")), Err(TaskRefusal::Malformed(_))));

    let moved = Task { stream_url: Url("rtmp://elsewhere.example/live/key".into()), ..task("b") };
    assert_eq!(bench.hub.update_task(CID, ALICE, moved), Ok(()));
    let seen = bench.hub.rooms().next().unwrap().tasks;
    let seen: Vec<_> =
        seen.iter().map(|task| (task.task_id.as_str(), task.host_uid, task.target.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("a", ALICE, "rtmp://cdn.example"),
            ("b", BOB, "rtmp://elsewhere.example"),
            ("c", BOB, "rtmp://cdn.example")
        ]
    );

    bench.send(bob, Command::Role(Role::Audience));
    assert_eq!(bench.hub.delete_task(CID, BOB, "a"), Err(TaskRefusal::NotABroadcaster));
    assert_eq!(bench.hub.delete_task(CID, ALICE, "d"), Err(TaskRefusal::Unknown));
    assert_eq!(bench.hub.delete_task(CID, ALICE, "a"), Ok(()));
    assert_eq!(bench.hub.add_task(CID, ALICE, task("d")), Ok(()));
    bench.lose(alice);
    assert_eq!(bench.hub.delete_task(CID, ALICE, "d"), Ok(()), "it still counts as present");
    assert!(bench.logs.iter().all(|line| !line.contains("key")));

    bench.pass(120);
    bench.join(ALICE);
    assert_eq!(bench.hub.rooms().next().unwrap().tasks, []);
}
