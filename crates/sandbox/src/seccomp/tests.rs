use super::super::{program, table};
use super::*;

/// Runs a program as the kernel would, for one call.
fn run(program: &[sock_filter], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let word = |offset: u32| match offset {
        NUMBER_OFFSET => number,
        ARCHITECTURE_OFFSET => architecture,
        _ => arguments[(offset as usize - 16) / 8] as u32,
    };
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let step = program[at];
        at += 1;
        let code = u32::from(step.code);
        match code & 7 {
            libc::BPF_LD => accumulator = word(step.k),
            libc::BPF_RET => return step.k,
            libc::BPF_JMP => {
                let yes = match code & 0xf0 {
                    libc::BPF_JA => {
                        at += step.k as usize;
                        continue;
                    }
                    libc::BPF_JEQ => accumulator == step.k,
                    libc::BPF_JGE => accumulator >= step.k,
                    libc::BPF_JSET => accumulator & step.k != 0,
                    other => panic!("jump {other:#x} is not part of our programs"),
                };
                at += usize::from(if yes { step.jt } else { step.jf });
            }
            other => panic!("instruction class {other} is not part of our programs"),
        }
    }
}

fn ours(number: i64, arguments: [u64; 6]) -> u32 {
    run(program(), ARCHITECTURE, number as u32, arguments)
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

#[test]
fn every_number_gets_what_the_table_says() {
    let rules = table::rules();
    for number in 0..1_000u32 {
        let expected = match rules.iter().find(|rule| rule.number == number).map(|rule| rule.action) {
            None => ENOSYS,
            Some(Action::Allow) => ALLOW,
            Some(Action::Errno(errno)) => libc::SECCOMP_RET_ERRNO | errno as u32,
            Some(Action::Check(_)) => continue,
        };
        assert_eq!(run(program(), ARCHITECTURE, number, [0; 6]), expected, "system call {number}");
    }
    assert_eq!(ours(0x3fff_ffff, [0; 6]), ENOSYS);
}

#[test]
fn the_program_is_short_and_its_paths_shorter() {
    assert!(program().len() < 400, "{} instructions cost too much to load", program().len());
}

#[test]
fn a_foreign_architecture_or_x32_is_killed() {
    let i386 = 0x4000_0003;
    assert_eq!(run(program(), i386, 1, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(ours(i64::from(X32), [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(ours(-1, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
    }
}

#[test]
fn clone_makes_threads_and_processes_but_no_namespaces() {
    let call = |flags: i32| ours(libc::SYS_clone, [flags as u32 as u64, 0, 0, 0, 0, 0]);
    assert_eq!(call(libc::SIGCHLD), ALLOW);
    assert_eq!(call(libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND | libc::CLONE_FS), ALLOW);
    for namespace in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        assert_eq!(call(namespace | libc::SIGCHLD), EPERM, "{namespace:#x}");
    }
    // glibc falls back to clone, whose flags a filter can see.
    assert_eq!(ours(libc::SYS_clone3, [0; 6]), ENOSYS);
}

#[test]
fn sockets_are_local_internet_or_route_netlink() {
    let call = |family: i32, protocol: u64| ours(libc::SYS_socket, [family as u64, 1, protocol, 0, 0, 0]);
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK] {
        assert_eq!(call(family, 0), ALLOW, "family {family}");
    }
    for protocol in 1..32 {
        assert_eq!(call(libc::AF_NETLINK, protocol), EPERM, "netlink protocol {protocol}");
    }
    for family in
        [0, libc::AF_PACKET, libc::AF_VSOCK, libc::AF_ALG, libc::AF_BLUETOOTH, libc::AF_CAN, libc::AF_XDP, 44]
    {
        assert_eq!(call(family, 0), EPERM, "family {family}");
    }
}

#[test]
fn terminals_cannot_be_typed_into_even_with_high_bits_set() {
    let call = |request: u64| ours(libc::SYS_ioctl, [0, request, 0, 0, 0, 0]);
    assert_eq!(call(libc::TCGETS), ALLOW);
    for request in [0x5412, 0x541C] {
        assert_eq!(call(request), EPERM);
        assert_eq!(call(request | 1 << 40), EPERM, "the kernel drops the high half");
    }
}

#[test]
fn personality_can_be_asked_but_not_changed() {
    let call = |persona: u64| ours(libc::SYS_personality, [persona, 0, 0, 0, 0, 0]);
    assert_eq!((call(0), call(0xffff_ffff)), (ALLOW, ALLOW));
    assert_eq!((call(0x0040_0000), call(8)), (EPERM, EPERM));
}

#[test]
fn far_jumps_reach_as_far_as_near_ones() {
    let rules: Vec<Rule> = (0..400).map(|at| Rule { number: 2 * at, action: Action::Allow }).collect();
    let program = assemble(&rules);
    for number in 0..900 {
        let expected = if number < 800 && number % 2 == 0 { ALLOW } else { ENOSYS };
        assert_eq!(run(&program, ARCHITECTURE, number, [0; 6]), expected, "system call {number}");
    }
}
