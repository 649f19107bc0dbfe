//! The search engine on small projects with the real runner: the fix has to be found, and within a bounded number of candidates.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use engines::runner::{Outcome, RunRequest, Runner, RunnerSpec};
use engines::{Bench, Blocked, Brief, Engine, EngineError, Frame, Progress, Proposals, Search};
use sandbox::Mount;

use super::runner::{VENV_INSIDE, machine, project};

const SETTINGS: (&str, &str) = (
    "pyproject.toml",
    "[tool.pytest.ini_options]\npythonpath = [\"src\"]\ntestpaths = [\"tests\"]\n",
);

/// A project, searched: what is asked for is added to the brief by `more`.
async fn search(files: &[(&str, &str)], more: impl FnOnce(&mut Brief)) -> Option<Result<Proposals, EngineError>> {
    let (sandbox, venv) = machine()?;
    let mut all = vec![SETTINGS];
    all.extend_from_slice(files);
    let folder = project(&all);
    let mut spec = RunnerSpec::new(folder.path(), format!("{VENV_INSIDE}/bin/python"));
    spec.mounts = vec![Mount::read_only(venv, VENV_INSIDE)];
    let mut runner = Runner::start(sandbox, spec).await.expect("the runner starts");
    let report = runner
        .run(&RunRequest {
            per_test: Duration::from_secs(3),
            ..RunRequest::default()
        })
        .await
        .expect("the tests run");
    let ids = |passed: bool| {
        report
            .tests
            .iter()
            .filter(|test| (test.outcome == Outcome::Passed) == passed)
            .map(|test| test.id.clone())
            .collect::<Vec<_>>()
    };
    let mut failing = ids(false);
    failing.extend(report.collection_errors.iter().map(|error| error.at.clone()));
    let sources: BTreeMap<String, String> = all
        .iter()
        .filter(|(path, _)| Path::new(path).extension().is_some_and(|kind| kind == "py"))
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    let mut brief = Brief::new(sources, failing, ids(true));
    brief.budget.wall = Duration::from_secs(90);
    more(&mut brief);
    let mut bench = Bench::new(vec![runner]);
    let answer = Search.propose(&brief, &mut bench, &Progress::silent()).await;
    bench.stop().await;
    Some(answer)
}

/// Asserts that the best proposal turns `from` into `to` in the first file, after at most `most` candidates.
async fn fixed(files: &[(&str, &str)], from: &str, to: &str, most: u64) {
    let Some(answer) = search(files, |_| ()).await else {
        return;
    };
    let answer = answer.expect("an answer");
    let wanted = files[0].1.replacen(from, to, 1);
    assert_ne!(wanted, files[0].1, "`{from}` is in the file");
    let list: Vec<String> = answer
        .found
        .iter()
        .map(|found| format!("{:.2} {} {}", found.cost, found.template, found.why))
        .collect();
    let best = answer.found.first().unwrap_or_else(|| {
        panic!(
            "nothing found in {} candidates; partly {:?}",
            answer.candidates_tried, answer.partly_fixed
        )
    });
    println!("tried {} found {list:#?}", answer.candidates_tried);
    assert_eq!(best.files.get(files[0].0), Some(&wanted), "best of {list:#?}");
    assert!(
        answer.candidates_tried <= most,
        "{} candidates",
        answer.candidates_tried
    );
}

#[tokio::test]
async fn a_wrong_comparison_is_found() {
    let code = "FREE_FROM = 50\n\n\ndef shipping(total):\n    if total > FREE_FROM:\n        return 0\n    return 5\n\n\ndef grand_total(prices):\n    total = sum(prices)\n    return total + shipping(total)\n";
    let tests = "import pytest\nfrom shop.cart import grand_total, shipping\n\n\n@pytest.mark.parametrize('total, cost', [(0, 5), (49, 5), (50, 0), (51, 0)])\ndef test_shipping(total, cost):\n    assert shipping(total) == cost\n\n\ndef test_total():\n    assert grand_total([10, 20]) == 35\n";
    fixed(
        &[
            ("src/shop/cart.py", code),
            ("src/shop/__init__.py", ""),
            ("tests/test_cart.py", tests),
        ],
        "total > FREE",
        "total >= FREE",
        700,
    )
    .await;
}

#[tokio::test]
async fn an_attribute_that_does_not_exist_is_found_from_the_message() {
    let code = "class Account:\n    def __init__(self, owner, balance=0):\n        self.owner = owner\n        self.balance = balance\n        self.history = []\n\n    def deposit(self, amount):\n        self.balance += amount\n        self.histroy.append(amount)\n        return self.balance\n";
    let tests = "from bank import Account\n\n\ndef test_deposit():\n    a = Account('x')\n    assert a.deposit(5) == 5\n    assert a.history == [5]\n\n\ndef test_new():\n    assert Account('y').balance == 0\n";
    fixed(
        &[("src/bank.py", code), ("tests/test_bank.py", tests)],
        "self.histroy",
        "self.history",
        300,
    )
    .await;
}

#[tokio::test]
async fn a_mutable_default_is_found() {
    let code = "def collect(value, into=[]):\n    into.append(value)\n    return into\n\n\ndef pair(a, b):\n    return collect(b, collect(a))\n";
    let tests = "from box import collect, pair\n\n\ndef test_pair():\n    assert pair(1, 2) == [1, 2]\n\n\ndef test_fresh():\n    assert collect(3) == [3]\n    assert collect(4) == [4]\n";
    fixed(
        &[("src/box.py", code), ("tests/test_box.py", tests)],
        "into=[]):\n",
        "into=None):\n    if into is None:\n        into = []\n",
        700,
    )
    .await;
}

#[tokio::test]
async fn a_return_inside_the_loop_moves_out() {
    let code = "def count_words(lines):\n    counts = {}\n    for line in lines:\n        for word in line.split():\n            counts[word] = counts.get(word, 0) + 1\n        return counts\n";
    let tests = "from words import count_words\n\n\ndef test_one():\n    assert count_words(['a b a']) == {'a': 2, 'b': 1}\n\n\ndef test_two():\n    assert count_words(['a', 'b']) == {'a': 1, 'b': 1}\n";
    fixed(
        &[("src/words.py", code), ("tests/test_words.py", tests)],
        "        return counts",
        "    return counts",
        800,
    )
    .await;
}

#[tokio::test]
async fn an_argument_that_is_not_passed_on_is_found_in_another_file() {
    let code = "from app.render import line\n\n\ndef table(rows, width=10):\n    return [line(row) for row in rows]\n";
    let other = "def line(row, width=10):\n    return '|'.join(str(cell).ljust(width) for cell in row)\n";
    let tests = "from app.table import table\n\n\ndef test_default():\n    assert table([[1]]) == ['1         ']\n\n\ndef test_width():\n    assert table([[1, 2]], width=3) == ['1  |2  ']\n";
    fixed(
        &[
            ("src/app/table.py", code),
            ("src/app/render.py", other),
            ("src/app/__init__.py", ""),
            ("tests/test_table.py", tests),
        ],
        "line(row)",
        "line(row, width=width)",
        500,
    )
    .await;
}

#[tokio::test]
async fn an_average_of_nothing_is_guarded() {
    let code = "def average(values: list[float]) -> float:\n    total = sum(values)\n    return total / len(values)\n\n\ndef report(scores):\n    return {name: average(values) for name, values in scores.items()}\n";
    let tests = "from stats import average, report\n\n\ndef test_average():\n    assert average([1, 2, 3]) == 2\n\n\ndef test_report():\n    assert report({'a': [1], 'b': []}) == {'a': 1, 'b': 0}\n";
    let Some(answer) = search(&[("src/stats.py", code), ("tests/test_stats.py", tests)], |_| ()).await else {
        return;
    };
    let answer = answer.expect("an answer");
    let best = answer.found.first().expect("a fix");
    let text = &best.files["src/stats.py"];
    assert!(best.template.starts_with("T09"), "{} {text}", best.template);
    assert!(answer.candidates_tried < 600, "{}", answer.candidates_tried);
}

#[tokio::test]
async fn a_missing_import_breaks_collection_and_is_found() {
    let code = "from dataclasses import dataclass\n\n\n@dataclass\nclass Line:\n    sku: str\n    price: Decimal = Decimal('0')\n";
    let tests = "from shop.line import Line\n\n\ndef test_line():\n    assert Line('a').price == 0\n";
    fixed(
        &[
            ("src/shop/line.py", code),
            ("src/shop/__init__.py", ""),
            ("tests/test_line.py", tests),
        ],
        "from dataclasses",
        "from decimal import Decimal\nfrom dataclasses",
        300,
    )
    .await;
}

#[tokio::test]
async fn two_edits_are_found_when_each_turns_a_test_green() {
    let code = "def clamp(value, low, high):\n    if value > low:\n        return low\n    if value < high:\n        return high\n    return value\n";
    let tests = "from clamp import clamp\n\n\ndef test_low():\n    assert clamp(-1, 0, 9) == 0\n\n\ndef test_high():\n    assert clamp(12, 0, 9) == 9\n\n\ndef test_inside():\n    assert clamp(5, 0, 9) == 5\n";
    let Some(answer) = search(&[("src/clamp.py", code), ("tests/test_clamp.py", tests)], |brief| {
        brief.budget.wall = Duration::from_secs(90)
    })
    .await
    else {
        return;
    };
    let answer = answer.expect("an answer");
    let best = answer
        .found
        .first()
        .unwrap_or_else(|| panic!("nothing in {}", answer.candidates_tried));
    println!("{} {} tried {}", best.template, best.why, answer.candidates_tried);
    assert!(
        !best.files["src/clamp.py"].contains("value > low"),
        "{}",
        best.files["src/clamp.py"]
    );
}

#[tokio::test]
async fn a_crash_from_an_alert_is_fixed_where_the_frames_point() {
    let code = "PRICES = {'tea': 3, 'cup': 5}\n\n\ndef price(sku):\n    return PRICES.get(sku, 0)\n\n\ndef label(customer):\n    name = customer.get('name')\n    return name.strip().title()\n\n\ndef receipt(customer, skus):\n    return label(customer) + ': ' + str(sum(price(sku) for sku in skus))\n";
    let tests = "from shop import price, receipt\n\n\ndef test_price():\n    assert price('tea') == 3\n\n\ndef test_receipt():\n    assert receipt({'name': ' ann '}, ['tea', 'cup']) == 'Ann: 8'\n";
    let crash = "from shop import receipt\n\n\ndef test_crash():\n    receipt({'name': None}, ['tea'])\n";
    let files = [
        ("src/shop.py", code),
        ("tests/test_shop.py", tests),
        ("tests/test_crash.py", crash),
    ];
    let Some(answer) = search(&files, |brief| {
        brief.weak_oracle = true;
        brief.suspects = [(14, "receipt"), (10, "label")]
            .map(|(line, function)| Frame {
                file: "/srv/app/src/shop.py".into(),
                line,
                function: function.into(),
            })
            .to_vec();
    })
    .await
    else {
        return;
    };
    let answer = answer.expect("an answer");
    let best = answer.found.first().expect("a fix");
    println!(
        "tried {} found {:#?}",
        answer.candidates_tried,
        answer
            .found
            .iter()
            .map(|found| (found.cost, &found.template, &found.why))
            .collect::<Vec<_>>()
    );
    assert!(
        best.files["src/shop.py"].contains("(name or \"\").strip()") || best.files["src/shop.py"].contains("is None"),
        "{}",
        best.files["src/shop.py"]
    );
    assert!(!best.files["src/shop.py"].contains("except"), "never by catching it");
}

#[tokio::test]
async fn a_fix_in_a_blocked_file_is_marked() {
    let code = "def allowed(user, resource):\n    return user['role'] == 'admin' and resource in user['grants']\n";
    let other = "from auth.check import allowed\n\n\ndef read(user, resource):\n    return 'ok' if allowed(user, resource) else 'denied'\n";
    let tests = "from pages import read\nfrom auth.check import allowed\n\n\ndef test_admin():\n    assert allowed({'role': 'admin', 'grants': []}, 'a')\n\n\ndef test_grant():\n    assert read({'role': 'user', 'grants': ['a']}, 'a') == 'ok'\n\n\ndef test_denied():\n    assert read({'role': 'user', 'grants': []}, 'a') == 'denied'\n";
    let files = [
        ("src/auth/check.py", code),
        ("src/auth/__init__.py", ""),
        ("src/pages.py", other),
        ("tests/test_pages.py", tests),
    ];
    let Some(answer) = search(&files, |brief| {
        brief.blocked = Blocked::when(|path| path.contains("auth/"));
        brief.budget.wall = Duration::from_secs(45);
    })
    .await
    else {
        return;
    };
    let answer = answer.expect("an answer");
    let best = answer.found.first().expect("a fix");
    assert!(
        best.blocked && best.files["src/auth/check.py"].contains(" or resource"),
        "{:?}",
        best.files
    );
    assert_eq!(answer.blocked_only, ["src/auth/check.py"]);
}

#[tokio::test]
async fn tests_are_never_changed_and_a_green_project_is_no_work() {
    let code = "def f(x):\n    return x\n";
    let wrong = "from m import f\n\n\ndef test_f():\n    assert f(2) == 2\n";
    let Some(answer) = search(&[("src/m.py", code), ("tests/test_m.py", wrong)], |brief| {
        brief.failing = vec!["tests/test_m.py::test_f".into()]
    })
    .await
    else {
        return;
    };
    assert!(matches!(answer, Err(EngineError::NothingFails(1))), "{answer:?}");
    let impossible = "from m import f\n\n\ndef test_f():\n    assert False\n\n\ndef test_g():\n    assert f(1) == 1\n";
    let Some(answer) = search(&[("src/m.py", code), ("tests/test_m.py", impossible)], |brief| {
        brief.budget.wall = Duration::from_secs(20)
    })
    .await
    else {
        return;
    };
    let answer = answer.expect("an answer");
    assert!(answer.found.is_empty());
}
