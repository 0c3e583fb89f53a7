//! What hostile functions try. Runs inside a box only.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

/// Acts and exits if this process is the function of a box.
pub extern "C" fn act_if_inside() {
    let Some(act) = std::env::var_os("LAMBENT_TEST_ACT") else { return };
    let act = act.into_string().expect("the name of an act");
    let (act, argument) = act.split_once(' ').unwrap_or((&act, ""));
    match act {
        "hello" => println!("hello from {}", std::process::id()),
        "call" => call_everything(),
        "bomb" => bomb(),
        "eat" => eat(argument.parse().expect("megabytes")),
        "flood" => flood(),
        "connect" => connect(argument),
        "abstract" => connect_abstract(argument),
        "spin" => loop {
            std::hint::black_box(0);
        },
        "wait" => wait(),
        other => panic!("no act is called {other}"),
    }
    std::process::exit(0);
}

fn report(name: &str, result: libc::c_long) {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    println!("{name} {}", if result < 0 { errno } else { 0 });
}

/// Makes each forbidden system call and prints its errno, 0 if it went through.
fn call_everything() {
    let null = std::ptr::null::<u8>();
    macro_rules! calls {
        ($($number:ident($($argument:expr),*))*) => {
            // SAFETY: pointers are null or literals; a call that goes through fails the test, whatever it does.
            $(report(stringify!($number), unsafe { libc::syscall(libc::$number, $($argument),*) });)*
        };
    }
    calls! {
        SYS_mount(c"none".as_ptr(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), 0, null)
        SYS_umount2(c"/tmp".as_ptr(), libc::MNT_DETACH)
        SYS_pivot_root(c"/tmp".as_ptr(), c"/tmp".as_ptr())
        SYS_chroot(c"/tmp".as_ptr())
        SYS_open_tree(libc::AT_FDCWD, c"/tmp".as_ptr(), 1)
        SYS_fsopen(c"tmpfs".as_ptr(), 0)
        SYS_unshare(libc::CLONE_NEWUSER)
        SYS_unshare(libc::CLONE_NEWNS)
        SYS_setns(0, 0)
        SYS_clone(libc::CLONE_NEWUSER | libc::SIGCHLD, 0, 0, 0, 0)
        SYS_ptrace(libc::PTRACE_ATTACH, 1, 0, 0)
        SYS_ptrace(libc::PTRACE_TRACEME, 0, 0, 0)
        SYS_process_vm_readv(1, null, 0, null, 0, 0)
        SYS_pidfd_getfd(0, 0, 0)
        SYS_kcmp(1, 2, 0, 0, 0)
        SYS_keyctl(0, -3, 0)
        SYS_add_key(c"user".as_ptr(), c"a".as_ptr(), c"b".as_ptr(), 1, -3)
        SYS_request_key(c"user".as_ptr(), c"a".as_ptr(), null, -3)
        SYS_bpf(0, null, 0)
        SYS_perf_event_open(null, 0, -1, -1, 0)
        SYS_userfaultfd(1)
        SYS_io_uring_setup(1, null)
        SYS_syslog(3, null, 0)
        SYS_reboot(0, 0, 0, null)
        SYS_sethostname(c"x".as_ptr(), 1)
        SYS_init_module(null, 0, c"".as_ptr())
        SYS_kexec_load(0, 0, null, 0)
        SYS_swapon(c"/tmp/x".as_ptr(), 0)
        SYS_acct(null)
        SYS_quotactl(0, null, 0, null)
        SYS_settimeofday(null, null)
        SYS_name_to_handle_at(libc::AT_FDCWD, c"/".as_ptr(), null, null, 0)
        SYS_open_by_handle_at(0, null, 0)
        SYS_fanotify_init(0, 0)
        SYS_personality(0x0004_0000)
        SYS_ioctl(0, 0x5412, null)
        SYS_mknodat(libc::AT_FDCWD, c"/tmp/disk".as_ptr(), libc::S_IFBLK | 0o666, 0x800)
        SYS_setuid(0)
        SYS_setresgid(0, 0, 0)
        SYS_socket(libc::AF_PACKET, libc::SOCK_RAW, 0)
        SYS_socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)
        SYS_socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)
        SYS_socket(libc::AF_INET, libc::SOCK_RAW, 1)
        SYS_socket(libc::AF_NETLINK, libc::SOCK_RAW, 9)
    }
}

/// Forks until that is refused.
fn bomb() {
    let mut children = 0;
    loop {
        // SAFETY: the child only waits for its death.
        match unsafe { libc::fork() } {
            0 => wait(),
            -1 => break,
            _ => children += 1,
        }
    }
    println!("{children} then {}", std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
}

fn wait() {
    loop {
        // SAFETY: takes no pointers.
        unsafe { libc::pause() };
    }
}

/// Touches memory.
fn eat(megabytes: usize) {
    let mut held = Vec::new();
    for _ in 0..megabytes {
        held.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
    println!("ate {}", held.len());
}

/// Fills the buffers of as many loopback connections as it gets and prints how many bytes they hold.
fn flood() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen");
    let address = listener.local_addr().expect("the address");
    let (mut held, mut bytes) = (Vec::new(), 0);
    let junk = vec![0u8; 1 << 16];
    for _ in 0..500 {
        let Ok(mut out) = TcpStream::connect(address) else { break };
        let Ok((inward, _)) = listener.accept() else { break };
        out.set_nonblocking(true).expect("do not wait");
        for stream in [&out, &inward] {
            let size: libc::c_int = 1 << 22;
            // SAFETY: the option is an int, which lives across the call.
            unsafe {
                let (level, length) = (libc::SOL_SOCKET, size_of::<libc::c_int>() as u32);
                libc::setsockopt(
                    stream.as_raw_fd(),
                    level,
                    libc::SO_SNDBUF,
                    (&raw const size).cast(),
                    length,
                );
                libc::setsockopt(
                    stream.as_raw_fd(),
                    level,
                    libc::SO_RCVBUF,
                    (&raw const size).cast(),
                    length,
                );
            }
        }
        while let Ok(count) = out.write(&junk) {
            bytes += count;
        }
        held.push((out, inward));
    }
    println!("{bytes}");
}

fn connect(address: &str) {
    let address: SocketAddr = address.parse().expect("an address");
    match TcpStream::connect_timeout(&address, std::time::Duration::from_secs(2)) {
        Ok(_) => println!("connected"),
        Err(error) => println!("{:?}", error.kind()),
    }
}

fn connect_abstract(name: &str) {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).expect("a name");
    match std::os::unix::net::UnixStream::connect_addr(&address) {
        Ok(_) => println!("connected"),
        Err(error) => println!("{:?}", error.kind()),
    }
}
