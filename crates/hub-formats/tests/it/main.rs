//! Tests of hub-formats against what real programs made of the same bytes, and of conversion as a whole.

#[cfg(test)]
mod answer_losses;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod codex_instructions;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod estimate;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod million;
#[cfg(test)]
mod openai_tools;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod robust;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod there_and_back;
#[cfg(test)]
mod thinking;
