//! Packets between server, warden and makers.

pub(crate) fn run(input: &[u8]) {
    sandbox::fuzzing::warden_packet(input);
}
