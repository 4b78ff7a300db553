//! The compiler's public door, on folders made for the purpose.

#![allow(clippy::unwrap_used)] // in helpers; inside a test it is allowed anyway

use std::fs;
use std::path::Path;

use preview_compiler::compile;
use tempfile::TempDir;

#[test]
fn a_mini_program_becomes_one_module() {
    let module = compile(
        folder(&[
            ("app.json", r#"{"pages": ["pages/a/a"]}"#),
            ("pages/a/a.wxml", "<view>\n<text>{{x}}</text></view>"),
            ("pages/a/a.wxss", "@import '../../base.wxss'; .b { width: 75rpx }"),
            ("base.wxss", ".a { color: red }"),
            ("image.png", "not text"),
        ])
        .path(),
        &[],
    )
    .unwrap()
    .module;
    assert!(module.contains(r#"export const config = {"app":{"pages":["pages/a/a"]}};"#), "{module}");
    assert!(module.contains(r#"export const tags = {"pages/a/a":{"text":2,"view":1}};"#), "{module}");
    assert!(module.contains(r#".a{color:red}"#) && module.contains("width:10vw"), "{module}");
    assert!(module.contains(r#"G["pages/a/a"]="#), "{module}");
}

#[test]
fn what_a_slot_has_in_it_is_left_out() {
    let wxml = ("a.wxml", "<slot name=\"x\"><view>instead</view></slot><text>kept</text>");
    let compiled = compile(folder(&[("app.json", "{}"), wxml]).path(), &[]).unwrap();
    assert_eq!(compiled.problems.len(), 0, "{:?}", compiled.problems.first().map(ToString::to_string));
    assert!(compiled.warnings[0].to_string().starts_with("a.wxml:1: child nodes are not allowed"));
    assert!(compiled.module.contains("kept") && !compiled.module.contains("instead"), "{}", compiled.module);
}

#[test]
fn the_classes_of_a_component_are_its_own() {
    let wxss = ("c/c.wxss", ".a { color: red }");
    let isolated = folder(&[("app.json", "{}"), ("c/c.json", r#"{"component": true}"#), wxss]);
    assert!(compile(isolated.path(), &[]).unwrap().module.contains(".c0--a{"));
    let shared = r#"{"component": true, "styleIsolation": "shared"}"#;
    let shared = folder(&[("app.json", "{}"), ("c/c.json", shared), wxss]);
    assert!(compile(shared.path(), &[]).unwrap().module.contains("\".a{"));
}

#[test]
fn every_problem_is_told_with_file_and_line() {
    let broken = folder(&[
        ("app.json", "{}"),
        ("a.json", "{\n  \"x\": }"),
        ("a.wxml", ""),
        ("b.wxml", "<view>\n{{ a. }}</view>"),
        ("c.wxml", "<import src=\"./missing.wxml\"/><wxs src=\"./gone.wxs\" module=\"m\"/>"),
        ("d.wxss", "@import './nowhere.wxss';"),
        ("e.wxss", "@import './f.wxss';"),
        ("f.wxss", "@import './e.wxss';"),
        ("g.wxml", "<live-player\n bind:error=\"x\"/>"),
    ]);
    let compiled = compile(broken.path(), &[]).unwrap();
    let problems: Vec<_> = compiled.problems.iter().map(ToString::to_string).collect();
    for expected in [
        "a.json:2: ",
        "b.wxml:2: ",
        "c.wxml: names the template \"missing\", which is not there",
        "c.wxml: names the script \"gone\", which is not there",
        "d.wxss: imports \"nowhere.wxss\", which is not there",
        "f.wxss: imports \"e.wxss\", which imports it",
        "g.wxml:1: phones ignore bind:error on <live-player>",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(expected)),
            "{expected:?} is not in {problems:#?}"
        );
    }
    assert!(compiled.module.contains("d.wxss: imports"), "{}", compiled.module);
    assert!(compiled.module.contains(r#"G["b"]="#), "{}", compiled.module);
}

#[test]
fn json_of_other_tools_stops_nobody() {
    let app = folder(&[("app.json", "{}"), ("tsconfig.json", "{ // as tsc takes it\n}")]);
    let warnings = compile(app.path(), &[]).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].to_string().starts_with("tsconfig.json:1: "), "{warnings:?}");
}

#[test]
fn a_library_is_part_of_the_mini_program() {
    let library = folder(&[("card/card.wxml", "<view/>"), ("card/card.json", r#"{"component": true}"#)]);
    let app = folder(&[("app.json", "{}"), ("a.wxml", r#"<import src="/lib/card/card"/>"#)]);
    let libraries = [("lib".to_owned(), library.path().to_owned())];
    assert!(compile(app.path(), &libraries).unwrap().module.contains(r#"G["lib/card/card"]="#));
}

#[test]
fn a_folder_without_app_json_is_refused() {
    let problems = compile(folder(&[("a.js", "")]).path(), &[]).unwrap_err();
    assert!(problems[0].to_string().starts_with("app.json: is missing"), "{problems:?}");
    assert!(compile(Path::new("/nowhere/at/all"), &[]).is_err());
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}
