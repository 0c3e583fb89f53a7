//! Real boxes, made by this process as root. The attacks run inside, as the function would: this very executable is
//! copied into the box and acts as the bootstrap there.

mod attacker;
mod attacks;
mod facts;
mod life;
mod packs;
mod rig;

/// Inside a box this executable is the function: it acts before the test harness would start.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = attacker::act_if_inside;
