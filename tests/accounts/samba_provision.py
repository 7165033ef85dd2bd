"""Makes a domain of Active Directory, with the entries in LDIF on standard input.

It is run by the Python of `samba-tool`, and is what `samba-tool domain provision` does but for the
access rights of SYSVOL, which want a file system of a domain controller's, and which nobody reads.
"""

import logging
import sys

from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.param import LoadParm
from samba.provision import provision


def main(folder: str) -> None:
    """Make it in *folder*."""
    made = LoadParm()
    # Nobody pulls the plug in these tests.
    made.set("ldb:nosync", "true")
    domain = provision(
        logging.getLogger(),
        system_session(),
        lp=made,
        targetdir=folder,
        realm="EXAMPLE.COM",
        domain="EXAMPLE",
        hostname="dc1",
        hostip="127.0.0.1",
        serverrole="active directory domain controller",
        dns_backend="NONE",
        # Half as large as the newest, and what signing in asks for is in all of them.
        base_schema="2008_R2",
        dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
        skip_sysvolacl=True,
    )
    domain.samdb.modify_ldif(sys.stdin.read())


main(sys.argv[1])
