//! Some of the million inputs of the example with that name, which has the rest.

#[path = "../../examples/million/check.rs"]
mod check;
#[path = "../../examples/million/inputs.rs"]
pub(crate) mod inputs;
#[path = "../../examples/million/random.rs"]
mod random;

use check::Plans;
use inputs::Samples;
use random::Random;

const INPUTS: u64 = 2_000;

#[test]
fn no_input_panics_or_takes_more_memory_than_in_proportion() {
    let (samples, plans) = (Samples::new(), Plans::new());
    for number in 0..INPUTS {
        let mut random = Random::new(number);
        let (dialect, input) = samples.request(&mut random);
        check::request(dialect, &input, &mut random);
        let (dialect, input) = samples.answer(&mut random);
        check::answer(plans.any(dialect, &mut random), &input, &mut random);
    }
    for dialect in hub_types::Dialect::ALL {
        assert_eq!(plans.of(dialect, dialect).map(|plan| plan.upstream), Some(dialect));
    }
}
