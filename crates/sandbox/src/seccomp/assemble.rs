//! Rules to BPF.

use libc::sock_filter;

/// What happens to a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// It goes through.
    Allow,
    /// It answers this errno; 0 pretends success.
    Errno(i32),
    /// It goes through if its arguments pass, else it answers EPERM.
    Check(Check),
}

/// Conditions on the low 32 bits of arguments: the kernel looks at no more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// None of these bits is set in the argument.
    Clear { argument: u32, mask: u32 },
    /// The argument is none of these.
    NoneOf { argument: u32, values: &'static [u32] },
    /// The argument is one of these.
    OneOf { argument: u32, values: &'static [u32] },
    /// A socket family and type that a function may have: `socket` and `socketpair`.
    Socket,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub number: u32,
    pub action: Action,
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

/// Bit of x32 system call numbers.
const X32: u32 = 0x4000_0000;

/// Offsets in `struct seccomp_data`; arguments are little-endian on both architectures.
const NUMBER_OFFSET: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;
const fn argument_offset(argument: u32) -> u32 {
    16 + 8 * argument
}

fn load(offset: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

fn jump_if(test: u32, k: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt: then, jf: otherwise, k }
}

fn jump(over: usize) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | libc::BPF_JA) as u16, jt: 0, jf: 0, k: over as u32 }
}

fn answer(value: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: value }
}

fn errno(errno: i32) -> sock_filter {
    answer(libc::SECCOMP_RET_ERRNO | errno as u32)
}

/// Makes the program. Rules must be sorted by number, without doubles.
pub(crate) fn assemble(rules: &[Rule]) -> Vec<sock_filter> {
    let mut program = vec![
        load(ARCHITECTURE_OFFSET),
        jump_if(libc::BPF_JEQ, ARCHITECTURE, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER_OFFSET),
    ];
    if cfg!(target_arch = "x86_64") {
        program.push(jump_if(libc::BPF_JGE, X32, 0, 1));
        program.push(answer(libc::SECCOMP_RET_KILL_PROCESS));
    }
    program.extend(search(&ranges(rules)));
    program
}

/// Rules as gapless ranges: where each begins. Neighbours of one action are one range.
fn ranges(rules: &[Rule]) -> Vec<(u32, Action)> {
    let unknown = Action::Errno(libc::ENOSYS);
    let mut ranges = vec![(0, unknown)];
    let mut put = |start: u32, action: Action| {
        if let Some(last) = ranges.last_mut().filter(|last| last.0 == start) {
            last.1 = action;
        } else {
            ranges.push((start, action));
        }
    };
    for rule in rules {
        put(rule.number, rule.action);
        put(rule.number + 1, unknown);
    }
    ranges.dedup_by(|next, previous| next.1 == previous.1);
    ranges
}

/// A balanced tree of comparisons over the ranges.
fn search(ranges: &[(u32, Action)]) -> Vec<sock_filter> {
    if let [(_, action)] = ranges {
        return leaf(*action);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let left = search(low);
    let mut code = Vec::new();
    match u8::try_from(left.len()) {
        Ok(over) => code.push(jump_if(libc::BPF_JGE, high[0].0, over, 0)),
        Err(_) => code.extend([jump_if(libc::BPF_JGE, high[0].0, 0, 1), jump(left.len())]),
    }
    code.extend(left);
    code.extend(search(high));
    code
}

fn leaf(action: Action) -> Vec<sock_filter> {
    match action {
        Action::Allow => vec![answer(libc::SECCOMP_RET_ALLOW)],
        Action::Errno(number) => vec![errno(number)],
        Action::Check(check) => checked(check),
    }
}

fn checked(check: Check) -> Vec<sock_filter> {
    let (allow, refuse) = (answer(libc::SECCOMP_RET_ALLOW), errno(libc::EPERM));
    match check {
        Check::Clear { argument, mask } => {
            vec![load(argument_offset(argument)), jump_if(libc::BPF_JSET, mask, 1, 0), allow, refuse]
        }
        Check::NoneOf { argument, values } => one_of(argument, values, allow, refuse),
        Check::OneOf { argument, values } => one_of(argument, values, refuse, allow),
        Check::Socket => {
            let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(|family| family as u32);
            let mut code = vec![load(argument_offset(0))];
            // Lands on `allow`, four instructions after the comparison with netlink.
            for (at, family) in families.iter().enumerate() {
                code.push(jump_if(libc::BPF_JEQ, *family, 5 - at as u8, 0));
            }
            code.extend([
                jump_if(libc::BPF_JEQ, libc::AF_NETLINK as u32, 0, 3),
                // Only NETLINK_ROUTE: what getifaddrs asks.
                load(argument_offset(2)),
                jump_if(libc::BPF_JEQ, 0, 0, 1),
                allow,
                refuse,
            ]);
            code
        }
    }
}

/// `otherwise` unless the argument is among the values, then `found`.
fn one_of(argument: u32, values: &[u32], otherwise: sock_filter, found: sock_filter) -> Vec<sock_filter> {
    let mut code = vec![load(argument_offset(argument))];
    for (at, value) in values.iter().enumerate() {
        code.push(jump_if(libc::BPF_JEQ, *value, (values.len() - at) as u8, 0));
    }
    code.extend([otherwise, found]);
    code
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
