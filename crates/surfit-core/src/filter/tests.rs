use super::*;
use crate::metrics::Metric;
use proptest::prelude::*;

fn metrics(accuracy: Option<f64>, loss: Option<f64>) -> MetricValues {
    MetricValues::default().with_value(Metric::ACCURACY, accuracy).with_value(Metric::LOSS, loss)
}

fn run() -> RunAttributes {
    RunAttributes {
        name: "Demo-20260101-120000/seed-3".into(),
        state: "running".into(),
        network: Some("resnet18-cifar".into()),
        data: Some("cifar10".into()),
        degrees: Degrees::new(3, 2).ok(),
        metrics: metrics(Some(0.91), Some(0.3)),
        age: Some(7200.0),
    }
}

fn chooses(text: &str) -> bool {
    text.parse::<Filter>().unwrap().matches(&run())
}

#[test]
fn terms_mean_what_they_say() {
    for yes in [
        "",
        "   ",
        "demo",
        "DEMO seed-3",
        "state:running",
        "state:failed,running",
        "net:resnet18-cifar",
        "network:resnet*",
        "net:*cifar",
        "data:cifar10",
        "name:demo*",
        "degree:3x2",
        "degree:3×2",
        "degree>2",
        "degree<=3",
        "acc>0.9",
        "acc>90%",
        "accuracy=0.91",
        "loss<=0.3",
        "age<3h",
        "age>=2h",
        "!state:failed",
        "!!demo",
        "demo state:running acc>0.9 !degree:3",
    ] {
        assert!(chooses(yes), "{yes}");
    }
    for no in [
        "nothing",
        "state:failed",
        "net:resnet18",
        "data:cifar100",
        "degree:3",
        "degree:2x3",
        "degree>3",
        "acc>0.91",
        "loss<0.3",
        "age>1d",
        "!demo",
        "demo state:failed",
        "name:demo",
    ] {
        assert!(!chooses(no), "{no}");
    }
}

#[test]
fn a_word_with_a_star_is_a_pattern_of_the_name() {
    let facts = RunAttributes { name: "sd/Wide-seed1".into(), ..run() };
    let matches = |text: &str| text.parse::<Filter>().unwrap().matches(&facts);
    for yes in ["sd/*", "sd*", "*seed1", "SD/wide*", "sd", "!x*", "*"] {
        assert!(matches(yes), "{yes}");
    }
    for no in ["wide*", "!sd*", "sd/*2"] {
        assert!(!matches(no), "{no}");
    }
}

#[test]
fn a_curve_has_one_degree() {
    let curve = Degrees::for_patch(crate::surface::Patch::Curve, 3, 3).ok();
    let facts = RunAttributes { degrees: curve, ..run() };
    let matches = |text: &str| text.parse::<Filter>().unwrap().matches(&facts);
    assert!(matches("degree:3") && !matches("degree:2") && matches("degree>2"));
}

#[test]
fn what_is_not_known_fulfils_nothing() {
    let facts = RunAttributes::default();
    for text in ["acc>0", "loss<9", "net:*", "data:*", "degree:1", "degree>=1", "age<9w"] {
        assert!(!text.parse::<Filter>().unwrap().matches(&facts), "{text}");
        assert!(format!("!{text}").parse::<Filter>().unwrap().matches(&facts));
    }
}

#[test]
fn faults_are_sentences() {
    for (text, part) in [
        ("stat:running", "there is no filter key `stat`; did you mean `state`? Others: "),
        ("colour=red", "there is no filter key `colour`; there are: "),
        ("state:runing", "did you mean `running`?"),
        ("net:resnet", "there is no network `resnet`; did you mean `resnet18`?"),
        ("data:cifar", "did you mean `cifar10`?"),
        ("acc>90", "a fraction from 0 to 1, or a percentage such as 90%"),
        ("acc>high", "a fraction"),
        ("loss<nan", "a number, such as 0.3"),
        ("degree:9", "a degree from 1 to 8"),
        ("degree>3x2", "a degree from 1 to 8"),
        ("age<2", "a time, such as 30min"),
        ("age<-2h", "a time"),
        ("state>running", "a state cannot be compared"),
        ("state:", "has no value"),
        ("state:running,", "a value is missing"),
        (":x", "has no key"),
        ("!", "`!` needs a term"),
    ] {
        let error = text.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
        assert!(!error.contains('\n') && !error.ends_with('.'), "{error}");
    }
}

/// Terms that can be read.
fn term() -> impl Strategy<Value = String> {
    let bound = prop::sample::select(vec!["<", "<=", "=", ":", ">=", ">"]);
    prop_oneof![
        "[a-z0-9./-]{1,8}",
        prop::sample::subsequence(RUN_STATES, 1..4).prop_map(|s| format!("state:{}", s.join(","))),
        "net:[a-z]{0,3}\\*[a-z0-9]{0,3}",
        (1u8..=8, 1u8..=8).prop_map(|(m, n)| format!("degree:{m}x{n}")),
        (bound.clone(), 0.0..1.0).prop_map(|(b, x)| format!("acc{b}{x}")),
        (bound.clone(), -9.0..9.0).prop_map(|(b, x)| format!("loss{b}{x}")),
        (bound, 0u32..99).prop_map(|(b, x)| format!("age{b}{x}d")),
    ]
}

/// Runs of which more or less is known.
fn facts() -> impl Strategy<Value = RunAttributes> {
    let known = |s: &'static [&'static str]| prop::option::of(prop::sample::select(s));
    (
        "[a-zA-Z0-9./-]{0,8}",
        prop::sample::select(RUN_STATES),
        known(crate::networks::NETWORK_NAMES),
        known(crate::data_sets::DATA_SET_NAMES),
        prop::option::of((1u8..=8, 1u8..=8)),
        prop::option::of(0.0..1.0),
        prop::option::of(-9.0..9.0),
        prop::option::of(0.0..9e6),
    )
        .prop_map(|(name, state, network, data, degrees, accuracy, loss, age)| RunAttributes {
            name,
            state: state.into(),
            network: network.map(Into::into),
            data: data.map(Into::into),
            degrees: degrees.and_then(|(m, n)| Degrees::new(m, n).ok()),
            metrics: metrics(accuracy, loss),
            age,
        })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}", facts in facts()) {
        if let Ok(filter) = text.parse::<Filter>() {
            filter.matches(&facts);
        }
    }

    #[test]
    fn a_filter_that_is_written_reads_the_same(terms in prop::collection::vec(("!{0,3}", term()), 0..5)) {
        let text: Vec<String> = terms.iter().map(|(not, term)| format!("{not}{term}")).collect();
        let filter: Filter = text.join(" ").parse().unwrap();
        prop_assert_eq!(&filter.to_string().parse::<Filter>().unwrap(), &filter);
    }

    #[test]
    fn all_terms_must_hold_in_any_order_and_the_opposite_is_the_opposite(
        terms in prop::collection::vec(term(), 1..5), facts in facts()
    ) {
        let one = |t: &str| t.parse::<Filter>().unwrap().matches(&facts);
        let all = terms.iter().all(|t| one(t));
        prop_assert_eq!(one(&terms.join(" ")), all);
        let mut backwards = terms.clone();
        backwards.reverse();
        prop_assert_eq!(one(&backwards.join(" ")), all);
        for t in &terms {
            prop_assert_ne!(one(t), one(&format!("!{t}")));
        }
    }
}
