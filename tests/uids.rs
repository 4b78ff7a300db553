//! Every uid there can be, from the application to the wire and back, exact.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

use nertc_miniapp::{
    Call, CallId, Config, HttpResponse, Input, Instant, Output, RequestId, Session, SocketId,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Where something changes: the ends, the greatest safe integer, the sixteenth digit, the sign bit.
const BOUNDARIES: [u64; 18] = [
    0,
    1,
    2,
    (1 << 32) - 1,
    1 << 32,
    999_999_999_999_999,
    1_000_000_000_000_000,
    1_000_000_000_000_001,
    SAFE - 1,
    SAFE,
    SAFE + 1,
    SAFE + 2,
    9_999_999_999_999_999,
    10_000_000_000_000_000,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

#[test]
fn every_boundary_is_exact_for_oneself_and_for_others() {
    for uid in BOUNDARIES {
        for other in BOUNDARIES.into_iter().filter(|other| *other != uid) {
            goes_round(uid, other);
        }
    }
}

proptest! {
    // A failure prints its smallest case, which then belongs among the boundaries above.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_uid_is_exact_for_oneself_and_for_others(uid: u64, other: u64) {
        prop_assume!(uid != other);
        goes_round(uid, other);
    }

    #[test]
    fn uids_of_every_length_are_exact(bits in 0_u32..64, other_bits in 0_u32..64, noise: u64) {
        let (uid, other) = (noise >> bits, !noise >> other_bits);
        prop_assume!(uid != other);
        goes_round(uid, other);
    }

    #[test]
    fn text_that_is_no_uid_is_refused(text in "\\PC{0,24}") {
        prop_assume!(text.parse::<u64>().is_err());
        let parsed = Call::parse("join", &json!([{"channelName": "room", "uid": text}]).to_string());
        prop_assert!(parsed.is_err());
    }
}

/// One joins, the other is there and publishes: every form, every direction.
fn goes_round(uid: u64, other: u64) {
    for given in forms(uid) {
        let mut client = Client::default();
        client.call("join", &[json!({"channelName": "room", "uid": given})]);
        assert!(client.last("request").starts_with(&format!("uid={uid}&")), "{}", client.last("request"));

        client.enter(&format!(
            r#"[{{"uid":{uid},"url":"rtmp://push"}},{{"uid":{other},"url":"rtmp://pull","role":0,"audio_on":true}}]"#
        ));
        assert!(
            client.sent.iter().any(|frame| frame.starts_with(&format!(r#"{{"cmd":0,"body":{{"uid":{uid},"#)))
        );
        assert!(same(&client.replies[0]["uid"], &given), "{given} came back as {}", client.replies[0]);
        for told in &client.events {
            assert!(same(&told["uid"], &told_as(other)), "{other} is told as {told}");
            assert_eq!(told["isBigNumber"], json!(other.to_string().len() > 15), "{told}");
        }
        assert_eq!(client.events.len(), 2, "{other} came and publishes: {:?}", client.events);

        for (seq, named) in (2..).zip(forms(other)) {
            client.call("subscribe", &[named.clone(), json!("audio")]);
            if seq == 2 {
                let wanted = format!(
                    r#"{{"cmd":16,"body":{{"uid":{uid},"cid":5,"srcUid":{other},"mediaType":"audio","sub":true}},"seq":2}}"#
                );
                assert_eq!(client.sent.last(), Some(&wanted));
                client.text(r#"{"cmd":14,"seq":2,"body":{"code":200}}"#);
            }
            let reply = client.replies.last().unwrap();
            assert!(same(&reply["uid"], &named), "{named} came back in {reply}");
            assert_eq!(reply["url"], "rtmp://pull");
        }
    }
}

/// The ways to write a uid: text always, a number when JavaScript's numbers can hold it.
fn forms(uid: u64) -> Vec<Value> {
    let text = json!(uid.to_string());
    if uid <= SAFE { vec![text, json!(uid)] } else { vec![text] }
}

/// How events tell a uid: as a number up to fifteen digits, then as text.
fn told_as(uid: u64) -> Value {
    if uid.to_string().len() > 15 { json!(uid.to_string()) } else { json!(uid) }
}

/// Equal to JavaScript, which has one kind of number.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

/// A session, and what it did.
struct Client {
    session: Session,
    now: Instant,
    calls: u32,
    requests: Vec<(RequestId, String)>,
    socket: Option<SocketId>,
    sent: Vec<String>,
    replies: Vec<Value>,
    events: Vec<Value>,
}

impl Default for Client {
    fn default() -> Self {
        let now = Instant::from_millis(1_700_000_000_000);
        Self {
            session: Session::new(Config::new("ak"), now),
            now,
            calls: 0,
            requests: Vec::new(),
            socket: None,
            sent: Vec::new(),
            replies: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl Client {
    fn call(&mut self, name: &str, arguments: &[Value]) {
        self.calls += 1;
        let call = Call::parse(name, &json!(arguments).to_string()).unwrap();
        self.input(Input::Call(CallId(self.calls), call));
    }

    /// Answers the bootstrap, opens the socket and answers the login.
    fn enter(&mut self, userlist: &str) {
        let body = r#"{"code":200,"cid":5,"ips":{"wechatapparray":["gw"],"turnaddrs":[["1.2.3.4:5"]]}}"#;
        let response = HttpResponse { status: 200, body: body.into() };
        let id = self.requests.last().unwrap().0;
        self.input(Input::Response(id, Ok(response)));
        self.input(Input::SocketOpened(self.socket.unwrap()));
        self.text(&format!(r#"{{"cmd":1,"seq":1,"body":{{"code":200,"userlist":{userlist}}}}}"#));
    }

    fn text(&mut self, text: &str) {
        self.input(Input::SocketText(self.socket.unwrap(), text.into()));
    }

    fn last(&self, what: &str) -> &str {
        &self.requests.last().unwrap_or_else(|| panic!("no {what}")).1
    }

    fn input(&mut self, input: Input) {
        self.session.handle(input, self.now);
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Request(id, request) => self.requests.push((id, request.body)),
                Output::OpenSocket(id, _) => self.socket = Some(id),
                Output::SendText(_, text) => self.sent.push(text),
                Output::Settle(_, result) => {
                    self.replies.push(serde_json::to_value(result.unwrap()).unwrap())
                }
                // Those without a member, such as `open`, are no concern here.
                Output::Event(event) => {
                    let payload = serde_json::to_value(&event).unwrap();
                    self.events.extend(payload.get("uid").is_some().then_some(payload));
                }
                Output::CloseSocket(..) | Output::AskRetry(_) | Output::Forget | Output::Log(..) => {}
            }
        }
    }
}

/// The greatest integer that a JavaScript number holds exactly.
const SAFE: u64 = (1 << 53) - 1;
