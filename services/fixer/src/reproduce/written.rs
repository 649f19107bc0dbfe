//! Writes tests from an alert: the call that raised, with the values that the SDK recorded.

use super::call::Call;
use super::class::Classes;
use super::frame::{Function, Located, Parameter, ParameterKind};
use super::request;
use super::value::{Expression, quote, rebuild};
use domain::evidence::WrittenTest;
use domain::signal::{ErrorAlert, ExceptionInfo};
use std::collections::{BTreeMap, BTreeSet};

/// A test that may reproduce the alert.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The test, with what could be rebuilt.
    pub test: WrittenTest,
    /// Name of the test function.
    pub name: String,
}

/// What the tests are written into.
pub struct Style<'a> {
    /// Folder of the project's tests, without a trailing slash; empty for the root.
    pub folder: &'a str,
    /// Whether pytest runs them; else unittest.
    pub pytest: bool,
    /// Tells two alerts' files apart.
    pub tag: &'a str,
}

/// Dotted module names of the project's Python files, by path.
#[must_use]
pub fn modules(sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let name = |path: &str| -> Option<String> {
        let mut parts: Vec<&str> = path.strip_suffix(".py")?.split('/').collect();
        // The package root is the topmost folder of an unbroken row of packages.
        let mut root = parts.len() - 1;
        while root > 0 && sources.contains_key(&format!("{}/__init__.py", parts[..root].join("/"))) {
            root -= 1;
        }
        if root == parts.len() - 1 && root > 0 {
            // No package: a namespace package below `src`, or a plain script folder.
            root = usize::from(parts[0] == "src" || parts[0] == "lib");
        }
        parts.drain(..root);
        if parts.last() == Some(&"__init__") {
            parts.pop();
        }
        (!parts.is_empty()).then(|| parts.join("."))
    };
    sources
        .keys()
        .filter_map(|path| Some((path.clone(), name(path)?)))
        .collect()
}

/// Tests from the frames, the outermost call first: the closer to the request, the more ways are left to fix it.
#[must_use]
pub fn candidates(
    alert: &ErrorAlert,
    frames: &[Located],
    sources: &BTreeMap<String, String>,
    style: &Style<'_>,
) -> Vec<Candidate> {
    let modules = modules(sources);
    let by_module: BTreeMap<String, String> = modules
        .iter()
        .map(|(path, module)| (module.clone(), sources[path].clone()))
        .collect();
    let classes = Classes::read(&by_module);
    let raised = alert.outermost().cloned().unwrap_or_default();
    let mut all = Vec::new();
    if let Some(request) = &alert.request {
        all.extend(request::calls(request, sources, &modules));
    }
    for frame in frames {
        let (Some(function), Some(module)) = (&frame.function, modules.get(&frame.place.file)) else {
            continue;
        };
        if let Ok(call) = from_frame(frame, function, module, &classes) {
            all.push(call);
        }
    }
    all.into_iter()
        .enumerate()
        .map(|(number, call)| finish(number, call, &raised, style))
        .collect()
}

/// Why each frame's call could not be rebuilt, for people: `function: name: reason`.
#[must_use]
pub fn obstacles(frames: &[Located], sources: &BTreeMap<String, String>) -> Vec<String> {
    let modules = modules(sources);
    let by_module = modules
        .iter()
        .map(|(path, module)| (module.clone(), sources[path].clone()))
        .collect();
    let classes = Classes::read(&by_module);
    let why = |frame: &Located| {
        let function = frame.function.as_ref()?;
        let module = modules.get(&frame.place.file)?;
        from_frame(frame, function, module, &classes)
            .err()
            .map(|reason| format!("{}: {reason}", frame.place.function))
    };
    frames.iter().filter_map(why).collect()
}

fn from_frame(frame: &Located, function: &Function, module: &str, classes: &Classes) -> Result<Call, String> {
    if function.is_nested {
        return Err("it is defined inside another function".into());
    }
    let package = module.split_once('.').map(|(package, _)| package.to_owned());
    let mut call = Call {
        subject: function.name.clone(),
        imports: BTreeSet::new(),
        lines: Vec::new(),
        call: String::new(),
        package,
        rebuilt: Vec::new(),
        not_rebuilt: Vec::new(),
    };
    let has = |decorator: &str| function.decorators.iter().any(|name| name == decorator);
    let mut parameters = function.parameters.as_slice();
    let in_class = !function.classes.is_empty();
    let receiver = if in_class && !has("staticmethod") {
        parameters.split_first()
    } else {
        None
    };
    let class = function.classes.join(".");
    let target = match (in_class, receiver) {
        (false, _) => {
            call.imports.insert(format!("from {module} import {}", function.name));
            function.name.clone()
        }
        (true, received) => {
            call.imports
                .insert(format!("from {module} import {}", function.classes[0]));
            if let Some((first, rest)) = received {
                parameters = rest;
                if function.name == "__init__" {
                    class
                } else if has("classmethod") || function.name == "__new__" {
                    format!("{class}.{}", function.name)
                } else {
                    let object = argument(frame, first, classes, module)?;
                    call.imports.extend(object.imports);
                    call.made_up(&object.made_up);
                    call.lines.push(format!("{} = {}", first.name, object.code));
                    call.rebuilt.push(first.name.clone());
                    format!("{}.{}", first.name, function.name)
                }
            } else {
                format!("{class}.{}", function.name)
            }
        }
    };
    let mut arguments = Vec::new();
    for parameter in parameters {
        match argument(frame, parameter, classes, module) {
            Ok(value) => {
                call.imports.extend(value.imports);
                call.made_up(&value.made_up);
                call.lines.push(format!("{} = {}", parameter.name, value.code));
                call.rebuilt.push(parameter.name.clone());
                arguments.push(match parameter.kind {
                    ParameterKind::Plain => parameter.name.clone(),
                    ParameterKind::KeywordOnly => format!("{0}={0}", parameter.name),
                    ParameterKind::Rest => format!("*{}", parameter.name),
                    ParameterKind::Keywords => format!("**{}", parameter.name),
                });
            }
            Err(reason)
                if parameter.has_default || matches!(parameter.kind, ParameterKind::Rest | ParameterKind::Keywords) =>
            {
                call.not_rebuilt
                    .push(format!("{}: {reason}; its default is used", parameter.name));
            }
            Err(reason) => return Err(format!("{}: {reason}", parameter.name)),
        }
    }
    let property = has("property") || has("cached_property") || has("functools.cached_property");
    let mut code = if property {
        target
    } else {
        format!("{target}({})", arguments.join(", "))
    };
    if function.is_async {
        call.imports.insert("import asyncio".into());
        code = format!("asyncio.run({code})");
    } else if function.is_generator {
        code = format!("list({code})");
    }
    call.call = code;
    Ok(call)
}

fn argument(frame: &Located, parameter: &Parameter, classes: &Classes, module: &str) -> Result<Expression, String> {
    let recorded = frame.reported.vars.get(&parameter.name).ok_or("not recorded")?;
    rebuild(recorded, classes, module)
}

/// The call, with the exceptions that are answers rather than failures: the application's own, unless such a one was raised.
fn judged(call: &Call, raised: &ExceptionInfo) -> Vec<String> {
    let Some(package) = &call.package else {
        return vec![call.call.clone()];
    };
    let own = raised
        .module
        .as_deref()
        .is_some_and(|module| module.split('.').next() == Some(package));
    let and = if own {
        format!(" or type(answer).__name__ == {}", quote(&raised.kind))
    } else {
        String::new()
    };
    vec![
        "try:".to_owned(),
        format!("    {}", call.call),
        "except Exception as answer:".to_owned(),
        "    # An exception of the application's own is an answer, too.".to_owned(),
        format!(
            "    if type(answer).__module__.split(\".\")[0] != {}{and}:",
            quote(package)
        ),
        "        raise".to_owned(),
    ]
}

fn finish(number: usize, call: Call, raised: &ExceptionInfo, style: &Style<'_>) -> Candidate {
    let snake = |text: &str| {
        let mut out = String::new();
        for c in text.chars() {
            if c.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            if c.is_ascii_alphanumeric() || c == '_' {
                out.push(c.to_ascii_lowercase());
            }
        }
        out.trim_matches('_').to_owned()
    };
    let name = format!("test_{}_does_not_raise_{}", snake(&call.subject), snake(&raised.kind));
    let mut text = String::from("\"\"\"Written from an alert: the recorded call must no longer raise.\"\"\"\n\n");
    if !style.pytest {
        text.push_str("import unittest\n");
    }
    for import in &call.imports {
        text.push_str(import);
        text.push('\n');
    }
    let (head, indent) = if style.pytest {
        (format!("\n\ndef {name}():\n"), "    ")
    } else {
        (
            format!("\n\nclass WrittenFromAlert(unittest.TestCase):\n    def {name}(self):\n"),
            "        ",
        )
    };
    text.push_str(&head);
    for line in call.lines.iter().chain(&judged(&call, raised)) {
        text.push_str(indent);
        text.push_str(line);
        text.push('\n');
    }
    let file = format!("test_fixpoint_{}_{number}.py", style.tag);
    let path = if style.folder.is_empty() {
        file
    } else {
        format!("{}/{file}", style.folder)
    };
    Candidate {
        test: WrittenTest {
            path,
            content: text,
            rebuilt: call.rebuilt,
            not_rebuilt: call.not_rebuilt,
        },
        name,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::reproduce::frame::locate;
    use domain::signal::StackFrame;
    use serde_json::json;

    fn alert(frames: Vec<StackFrame>) -> ErrorAlert {
        ErrorAlert {
            issue_id: "1".into(),
            event_id: "2".into(),
            title: "t".into(),
            issue_url: None,
            organization: None,
            project: None,
            environment: None,
            release: None,
            platform: None,
            rule: None,
            occurred_at: None,
            request: None,
            exceptions: vec![ExceptionInfo {
                kind: "ZeroDivisionError".into(),
                frames,
                ..ExceptionInfo::default()
            }],
        }
    }

    #[test]
    fn a_call_is_written_with_its_recorded_arguments() {
        let cart = "class Cart:\n    def mean(self, prices, *, digits=2):\n        return round(sum(prices) / len(prices), digits)\n";
        let sources = BTreeMap::from([
            ("src/shop/cart.py".to_owned(), cart.to_owned()),
            ("src/shop/__init__.py".to_owned(), String::new()),
        ]);
        let frame = StackFrame {
            file: Some("/app/shop/cart.py".into()),
            function: Some("mean".into()),
            line: Some(3),
            vars: BTreeMap::from([
                ("self".into(), json!("<shop.cart.Cart object at 0x1>")),
                ("prices".into(), json!([])),
            ]),
            ..StackFrame::default()
        };
        let alert = alert(vec![frame]);
        let frames = locate(&alert.exceptions[0], &sources);
        let found = candidates(
            &alert,
            &frames,
            &sources,
            &Style {
                folder: "tests",
                pytest: true,
                tag: "ab",
            },
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].test.path, "tests/test_fixpoint_ab_0.py");
        let expected = "\"\"\"Written from an alert: the recorded call must no longer raise.\"\"\"\n\nfrom shop.cart import Cart\n\n\ndef test_mean_does_not_raise_zero_division_error():\n    self = Cart()\n    prices = []\n    try:\n        self.mean(prices)\n    except Exception as answer:\n        # An exception of the application's own is an answer, too.\n        if type(answer).__module__.split(\".\")[0] != \"shop\":\n            raise\n";
        assert_eq!(found[0].test.content, expected);
        assert_eq!(found[0].test.not_rebuilt, ["digits: not recorded; its default is used"]);
    }

    #[test]
    fn modules_follow_packages() {
        let sources: BTreeMap<String, String> = [
            "src/shop/__init__.py",
            "src/shop/a/__init__.py",
            "src/shop/a/b.py",
            "tool.py",
            "src/ns/x.py",
        ]
        .iter()
        .map(|p| ((*p).to_owned(), String::new()))
        .collect();
        let modules = modules(&sources);
        assert_eq!(modules["src/shop/a/b.py"], "shop.a.b");
        assert_eq!(modules["src/shop/__init__.py"], "shop");
        assert_eq!(modules["tool.py"], "tool");
        assert_eq!(modules["src/ns/x.py"], "ns.x");
    }
}
