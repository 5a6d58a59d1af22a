"""From clone to execve: how a container's process, and a further one in it, is made.

Import rule: everything that a child needs is imported by the parent. A child forbids imports first
thing (runtime.launch.child), because after pivot_root the standard library's path belongs to the
container (the class of CVE-2019-14271). For the same reason nothing here calls into NSS, gconv or
locales: users and groups are parsed by runtime.launch.users.
"""
