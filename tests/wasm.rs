//! The shell on Node: promises, events and errors as JavaScript sees them, against a host that
//! answers at once, from within the very call that asked.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used)] // in helpers; inside a test it is allowed anyway

use js_sys::{Array, Function, JSON, Promise, Reflect};
use nertc_miniapp::log::replay::{Verdict, replay};
use nertc_miniapp::wasm::{Core, Host};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = r#"
const BOOTSTRAP = '{"code":200,"cid":123456789012345,"ips":{"wechatapparray":["gw.example"],"turnaddrs":[["e:1"]]}}';
const USERS = '[{"uid":1,"url":"rtmp://push"},{"uid":18446744073709551615,"url":"rtmp://pull","audio_on":true}]';

export class FakeHost {
  constructor() { this.journal = []; this.answer = BOOTSTRAP; this.advice = NaN; this.calls = []; }
  attach(core) { this.core = core; }
  call(name, args) {
    return new Promise((resolve, reject) => {
      this.calls.push({ resolve, reject });
      this.core.call(this.calls.length - 1, name + args);
    });
  }
  settle(id, value, refused) { this.calls[id][refused ? 'reject' : 'resolve'](JSON.parse(value) ?? undefined); }
  advise(context) { this.asked = JSON.parse(context); return this.advice; }
  report(batch) { this.batch = JSON.parse(batch); return true; }
  request(id, url, method, headers, body) {
    this.journal.push(`${method} ${url} ${headers['content-type']}`);
    this.form = new URLSearchParams(body);
    this.core.hear(3, id, 200, this.answer);
  }
  openSocket(id, url) {
    this.journal.push(`open ${url}`);
    this.socket = id;
    this.core.hear(0, id, 0, '');
  }
  sendText(id, text) {
    const { cmd, seq, body } = JSON.parse(text);
    this.journal.push(`send ${cmd}`);
    this.last = text;
    if (cmd === 0) this.core.hear(1, id, 0, `{"cmd":1,"seq":${seq},"body":{"code":200,"userlist":${USERS}}}`);
    else if (cmd === 4) this.core.hear(1, id, 0, `{"cmd":9,"seq":${seq},"body":{"code":200}}`);
    else if (cmd === 10 && body.mediaType === 'video') this.core.hear(1, id, 0, `{"cmd":14,"seq":${seq},"body":{"code":403,"errmsg":"no"}}`);
    else this.core.hear(1, id, 0, `{"cmd":14,"seq":${seq},"body":{"code":200}}`);
  }
  closeSocket(id, code, reason) { this.journal.push(`close ${code}`); }
  tell(events) { for (const [event, payload] of JSON.parse(events)) this.journal.push(`event ${event} ${JSON.stringify(payload)}`); }
  forget() {}
  log() {}
}
export const make = (source) => (0, eval)(`(${source})`);
"#)]
extern "C" {
    type FakeHost;
    #[wasm_bindgen(constructor)]
    fn new() -> FakeHost;
    #[wasm_bindgen(method)]
    fn attach(this: &FakeHost, core: JsValue);
    #[wasm_bindgen(method, getter)]
    fn journal(this: &FakeHost) -> Array;
    #[wasm_bindgen(method, setter)]
    fn set_answer(this: &FakeHost, answer: &str);
    #[wasm_bindgen(method, setter)]
    fn set_advice(this: &FakeHost, millis: f64);
    #[wasm_bindgen(method)]
    fn call(this: &FakeHost, name: &str, arguments: &str) -> Promise;

    /// A JavaScript value, from source.
    fn make(source: &str) -> JsValue;
}

#[wasm_bindgen_test]
async fn a_host_that_answers_from_within_completes_a_call() {
    let page = Page::new();
    let joined = page.call("join", JOIN).await.unwrap();
    assert_eq!(text(&joined), r#"{"cid":123456789012345,"code":200,"uid":1}"#);
    let url = page.call("publish", r#"["audio"]"#).await.unwrap();
    assert_eq!(url.as_string().unwrap(), "rtmp://push");
    let expected = [
        "POST https://nrtc.netease.im/nrtc/getChannelInfos.action application/x-www-form-urlencoded",
        "open wss://gw.example",
        "send 0",
    ];
    assert_eq!(page.journal()[..3], expected);
}

#[wasm_bindgen_test]
async fn a_promise_settles_before_the_events_that_belong_to_it() {
    let page = Page::new();
    let joined = page.start("join", JOIN);
    let host = JsValue::from(&page.host);
    let note: Function = make("(host) => () => host.journal.push('resolved')").into();
    let note: Function = note.call1(&JsValue::UNDEFINED, &host).unwrap().into();
    let _chained: Promise = Reflect::get(&joined, &"then".into())
        .and_then(|then| Function::from(then).call1(&joined, &note))
        .unwrap()
        .into();
    page.settle_timers().await;
    assert_eq!(
        page.journal()[3..],
        [
            "resolved",
            "event sessionStart null",
            r#"event open {"code":200}"#,
            r#"event clientJoin {"uid":"18446744073709551615","isBigNumber":true}"#,
            r#"event stream-added {"uid":"18446744073709551615","isBigNumber":true,"mediaType":"audio"}"#,
        ]
    );
}

#[wasm_bindgen_test]
async fn a_uid_may_come_in_every_form_and_goes_back_in_its_own() {
    for (given, sent) in [
        ("7", "7"),
        ("0", "0"),
        ("9007199254740991", "9007199254740991"),
        ("\"7\"", "7"),
        ("\"18446744073709551615\"", "18446744073709551615"),
    ] {
        let page = Page::new();
        let joined =
            page.call("join", &format!("[{{\"channelName\":\"r\",\"uid\":{given}}}]")).await.unwrap();
        assert!(text(&joined).ends_with(&format!(r#""uid":{given}}}"#)), "{given}: {}", text(&joined));
        let form = Reflect::get(&page.host, &"form".into()).unwrap();
        let uid =
            Function::from(make("(form) => form.get('uid')")).call1(&JsValue::UNDEFINED, &form).unwrap();
        assert_eq!(uid.as_string().unwrap(), sent);
    }
    for wrong in ["-1", "1.5", "\"x\"", "true", "{}", "[]", "9007199254740992"] {
        let arguments = format!("[{{\"channelName\":\"r\",\"uid\":{wrong}}}]");
        let error = Page::new().call("join", &arguments).await.unwrap_err();
        assert_eq!(field(&error, "code").as_f64(), Some(434.0), "{wrong}");
    }
}

#[wasm_bindgen_test]
async fn a_rejection_has_every_field_of_an_error() {
    let page = Page::new();
    let first = page.call("publish", "[]").await.unwrap_err();
    assert_eq!(field(&first, "code").as_f64(), Some(434.0));
    assert_eq!(field(&first, "kind").as_string().unwrap(), "Misuse");
    for name in ["message", "reason", "desc"] {
        assert_eq!(field(&first, name).as_string().unwrap(), "publish: not in a room; call join first");
    }

    page.call("join", JOIN).await.unwrap();
    let refused = page.call("publish", r#"["video"]"#).await.unwrap_err();
    assert_eq!(field(&refused, "code").as_f64(), Some(403.0));
    assert_eq!(field(&refused, "desc").as_string().unwrap(), "no");
}

#[wasm_bindgen_test]
async fn a_refused_bootstrap_leaves_the_client_usable() {
    let page = Page::new();
    page.host.set_answer(r#"{"code":414,"desc":"bad token"}"#);
    let error = page.call("join", JOIN).await.unwrap_err();
    assert_eq!(field(&error, "code").as_f64(), Some(414.0));
    page.host.set_answer(r#"{"code":200,"cid":5,"ips":{"wechatapparray":["gw.example"]}}"#);
    page.call("join", JOIN).await.unwrap();
}

#[wasm_bindgen_test]
async fn leaving_resolves_with_undefined_and_disconnect_is_the_last_event() {
    let page = Page::new();
    page.call("join", JOIN).await.unwrap();
    assert!(page.call("leave", "[]").await.unwrap().is_undefined());
    page.settle_timers().await;
    let journal = page.journal();
    assert!(journal.contains(&"close 1000".to_owned()));
    assert_eq!(journal.last().unwrap(), r#"event disconnect {"code":"0","reason":"left the room"}"#);
}

#[wasm_bindgen_test]
async fn a_function_of_the_app_decides_about_reconnecting() {
    for (answer, gives_up) in [(-1.0, true), (0.0, false), (f64::NAN, false)] {
        let page = Page::with(r#"{"appkey":"ak","reconnect":"function"}"#);
        page.host.set_advice(answer);
        page.call("join", JOIN).await.unwrap();
        Function::from(make("(host) => host.core.hear(2, host.socket, 1006, 'gone')"))
            .call1(&JsValue::UNDEFINED, &page.host)
            .unwrap();
        page.settle_timers().await;
        let told = field(&page.host, "asked");
        let is_delay = field(&told, "delayMs").as_f64().is_some();
        let _set = Reflect::set(&told, &"delayMs".into(), &is_delay.into());
        let expected =
            r#"{"retryCount":1,"elapsedMs":0,"retryReason":"socket closed (1006) gone","delayMs":true}"#;
        assert_eq!(text(&told), expected);
        let ended = page.journal().iter().any(|line| line.starts_with("event disconnect"));
        assert_eq!(ended, gives_up, "{answer}");
    }
}

#[wasm_bindgen_test]
async fn a_function_of_the_app_takes_the_reports() {
    let page = Page::with(r#"{"appkey":"ak","statisticsServer":"reporter:"}"#);
    page.call("join", JOIN).await.unwrap();
    page.call("dataReporter", r#"["push","bindstatechange",{"code":1002}]"#).await.unwrap();
    page.call("leave", "[]").await.unwrap();
    let function = field(&field(&field(&page.host, "batch"), "event"), "function");
    assert_eq!(field(&function, "name").as_string().unwrap(), "bindstatechange");
    assert_eq!(field(&function, "value").as_string().unwrap(), r#"{"code":1002}"#);
    assert!(!page.journal().iter().any(|line| line.contains("reporter")), "no request is made");
}

#[wasm_bindgen_test]
async fn the_log_of_a_client_replays() {
    let page = Page::new();
    page.call("join", r#"[{"channelName":"r","uid":1,"token":"a secret"}]"#).await.unwrap();
    page.call("publish", r#"[""]"#).await.unwrap_err();
    page.call("subscribe", r#"["18446744073709551615","audio"]"#).await.unwrap();
    page.call("leave", "[]").await.unwrap();
    let read: Function = Reflect::get(&page.core, &"read".into()).unwrap().into();
    let log = read.call1(&page.core, &LOG.into()).unwrap().as_string().unwrap();
    assert!(!log.contains("a secret"));
    assert!(matches!(replay(&log).unwrap().verdict, Verdict::Same(9..)), "{:?}", replay(&log));
}

#[wasm_bindgen_test]
async fn with_unusable_options_each_call_is_refused_for_that() {
    for options in ["null", "{}", r#"{"appkey":7}"#, r#"{"appkey":"ak","reconnect":{"maxDelay":0}}"#] {
        let page = Page::with(options);
        for _call in 0..2 {
            let error = page.call("join", JOIN).await.unwrap_err();
            assert_eq!(field(&error, "code").as_f64(), Some(434.0), "{options}");
        }
        assert_eq!(page.journal(), [] as [String; 0], "{options}");
    }
}

/// The number of the log among what can be read.
const LOG: u32 = 3;
const JOIN: &str = r#"[{"channelName":"r","uid":1}]"#;

/// A core with its host, as the glue would hold them.
struct Page {
    core: JsValue,
    host: FakeHost,
}

impl Page {
    fn new() -> Self {
        Self::with(r#"{"appkey":"ak"}"#)
    }

    fn with(options: &str) -> Self {
        let host = FakeHost::new();
        let platform = JsValue::from(&host).unchecked_into::<Host>();
        let core = JsValue::from(Core::new(options.into(), platform));
        host.attach(core.clone());
        Self { core, host }
    }

    fn start(&self, name: &str, arguments: &str) -> Promise {
        self.host.call(name, arguments)
    }

    async fn call(&self, name: &str, arguments: &str) -> Result<JsValue, JsValue> {
        JsFuture::from(self.start(name, arguments)).await
    }

    /// Lets zero-delay timers ring.
    async fn settle_timers(&self) {
        let sleep: Function = make("() => new Promise((done) => setTimeout(done, 20))").into();
        JsFuture::from(Promise::from(sleep.call0(&JsValue::UNDEFINED).unwrap())).await.unwrap();
    }

    fn journal(&self) -> Vec<String> {
        self.host.journal().iter().filter_map(|line| line.as_string()).collect()
    }
}

fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

fn text(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}
