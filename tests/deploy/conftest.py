import os
import shutil

# Debian's package, or another one named here; where there is none, these tests are not collected.
NGINX = os.environ.get("TEST_NGINX") or shutil.which("nginx", path="/usr/sbin:/usr/bin")
collect_ignore = [] if NGINX else ["test_nginx.py"]
