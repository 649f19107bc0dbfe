//! A small shop in Python, and the mistakes that people make in it. Its tests need nothing but Python and take milliseconds.

use serde_json::{Value, json};

/// A file of the shop: path and text.
pub type File = (&'static str, &'static str);

/// The cart with the mistake that the tests find: shipping is free above 50, not from 50 on.
pub const BROKEN_CART: File = ("src/shop/cart.py", include_str!("shop/cart_broken.py"));
/// The cart as it should be.
pub const CART: File = ("src/shop/cart.py", include_str!("shop/cart.py"));
/// The same mistake's worth in a place that no fix may touch.
pub const BROKEN_SESSION: File = (
    "src/shop/auth/session.py",
    "\"\"\"Sessions.\"\"\"\n\nLIFETIME = 3600\n\n\ndef is_valid(age):\n    return age <= LIFETIME\n",
);
/// A function that no small change makes right.
pub const HOPELESS: [File; 2] = [
    (
        "src/shop/slug.py",
        "\"\"\"Addresses of products.\"\"\"\n\n\ndef slug(title):\n    return title\n",
    ),
    (
        "tests/test_slug.py",
        "import unittest\n\nfrom shop.slug import slug\n\n\nclass SlugTest(unittest.TestCase):\n    def test_words_are_turned_around_and_counted(self):\n        \
         self.assertEqual(slug(\"Red Tea Pot\"), \"3:pot-tea-red\")\n        self.assertEqual(slug(\"Cup\"), \"1:cup\")\n        \
         self.assertEqual(slug(\"Big Bad Wolf Mug\"), \"4:mug-wolf-bad-big\")\n",
    ),
];
/// A test that fails every other time.
pub const DICE: File = (
    "tests/test_dice.py",
    "import os\nimport unittest\n\n\nclass DiceTest(unittest.TestCase):\n    def test_luck(self):\n        self.assertLess(os.urandom(1)[0], 128)\n",
);

/// The whole shop, with all tests green.
pub const FILES: [File; 10] = [
    ("README.md", "# Shop\n\nRun the tests with `python3 -m unittest`.\n"),
    (".github/workflows/ci.yml", include_str!("shop/ci.yml")),
    ("src/shop/__init__.py", ""),
    CART,
    ("src/shop/report.py", include_str!("shop/report.py")),
    ("src/shop/auth/__init__.py", ""),
    (
        "src/shop/auth/session.py",
        "\"\"\"Sessions.\"\"\"\n\nLIFETIME = 3600\n\n\ndef is_valid(age):\n    return age < LIFETIME\n",
    ),
    ("tests/__init__.py", include_str!("shop/tests_init.py")),
    ("tests/test_cart.py", include_str!("shop/test_cart.py")),
    ("tests/test_report.py", include_str!("shop/test_report.py")),
];

/// What an SDK captures when the running shop makes the summary of a day without orders.
pub fn a_day_without_orders() -> Value {
    let frame = |function: &str, line: u32, text: &str, vars: Value| {
        json!({
            "filename": "shop/report.py", "abs_path": "/srv/shop/src/shop/report.py", "module": "shop.report", "function": function,
            "lineno": line, "context_line": text, "in_app": true, "vars": vars,
        })
    };
    let frames = [
        frame(
            "daily_summary",
            10,
            "    return {\"orders\": len(orders), \"average\": average(prices)}",
            json!({"orders": [], "prices": []}),
        ),
        frame(
            "average",
            5,
            "    return sum(prices) / len(prices)",
            json!({"prices": []}),
        ),
    ];
    json!({
        "event_id": uuid::Uuid::new_v4().simple().to_string(), "platform": "python", "level": "error", "environment": "production", "timestamp": 1_700_000_000,
        "exception": {"values": [{"type": "ZeroDivisionError", "value": "division by zero", "module": null, "stacktrace": {"frames": frames}}]},
    })
}
