# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run once over OpenStack's packages: databases, service users and the catalog, as installation guides have it. It is
alone in its namespaces, and leaves nothing running."""

import pathlib
import subprocess
import sys

TESTBED = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTBED))

from lib import services  # noqa: E402

DATABASES = ["keystone", "placement", "glance", "neutron", "nova", "nova_api", "nova_cell0"]
DATABASE_USER = "openstack"
IDENTITY_URL = f"http://{services.ADDRESS}:5000/v3/"
REGION = "regionOne"
PATIENCE_S = 600

BOOTSTRAP = ["bootstrap", "--bootstrap-password", services.PASSWORD, "--bootstrap-region-id", REGION,
             *(word for interface in ("admin", "internal", "public")
               for word in (f"--bootstrap-{interface}-url", IDENTITY_URL))]
KEYSTONE = ["--keystone-user", "keystone", "--keystone-group", "keystone"]
# (user, command): each is what the service's own installation guide says
SCHEMAS = [
    ("keystone", ["keystone-manage", "db_sync"]),
    ("root", ["keystone-manage", "fernet_setup", *KEYSTONE]),
    ("root", ["keystone-manage", "credential_setup", *KEYSTONE]),
    ("keystone", ["keystone-manage", *BOOTSTRAP]),
    ("placement", ["placement-manage", "db", "sync"]),
    ("glance", ["glance-manage", "db_sync"]),
    ("neutron", ["neutron-db-manage", "--config-file", "/etc/neutron/neutron.conf",
                 "--config-file", "/etc/neutron/plugins/ml2/ml2_conf.ini",
                 "--config-dir", "/etc/neutron/neutron.conf.d", "upgrade", "heads"]),
    ("nova", ["nova-manage", "api_db", "sync"]),
    ("nova", ["nova-manage", "cell_v2", "map_cell0"]),
    ("nova", ["nova-manage", "db", "sync"]),
    ("nova", ["nova-manage", "cell_v2", "create_cell", "--name", "cell1"]),
]
# user -> type and URL of its service; the agent's user has none
CATALOG = {
    "placement": ("placement", f"http://{services.ADDRESS}:8778"),
    "glance": ("image", f"http://{services.ADDRESS}:9292"),
    "neutron": ("network", f"http://{services.ADDRESS}:9696"),
    "nova": ("compute", f"http://{services.ADDRESS}:8774/v2.1"),
    "libvirt-cpr": None,
}


def run(*argv):
    """Run a program, which has to succeed."""
    print("$", *argv, flush=True)
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def make_databases():
    """Empty ones, all of one user."""
    statements = [f"CREATE DATABASE {name} CHARACTER SET utf8mb3" for name in DATABASES]
    statements += [f"CREATE USER '{DATABASE_USER}'@'%' IDENTIFIED BY '{services.PASSWORD}'",
                   f"GRANT ALL ON *.* TO '{DATABASE_USER}'@'%'", "DROP USER IF EXISTS ''@'localhost'",
                   f"DROP USER IF EXISTS ''@'{services.HOST_NAME}'"]
    run("mariadb", "--execute", "; ".join(statements))


def fill_catalog():
    """Users of the services, and where those are."""
    import openstack  # pylint: disable=import-outside-toplevel
    cloud = openstack.connect(cloud="testbed").identity
    project = cloud.create_project(name="service", domain_id="default")
    roles = [cloud.find_role(name) or cloud.create_role(name=name) for name in ("admin", "service")]
    for name, entry in CATALOG.items():
        user = cloud.create_user(name=name, password=services.PASSWORD, domain_id="default",
                                 default_project_id=project.id)
        for role in roles:
            cloud.assign_project_role_to_user(project, user, role)
        if entry:
            service = cloud.create_service(name=name, type=entry[0])
            cloud.create_endpoint(service_id=service.id, interface="public", url=entry[1], region_id=REGION)


def main():
    """All of it."""
    run("ip", "link", "set", "lo", "up")
    services.configure(TESTBED / "cloud" / "etc")
    services.make_folders(pathlib.Path("/var/lib/openstack-install"))
    database = services.start_database()
    services.wait_for_port(services.DATABASE_PORT, PATIENCE_S, database)
    make_databases()
    for user, argv in SCHEMAS:
        run(*(argv if user == "root" else services.as_user(user, *argv)))
    keystone = services.start_service("keystone")
    services.wait_for_port(5000, PATIENCE_S, keystone)
    fill_catalog()
    for process in (keystone, database):
        process.terminate()
        process.wait(PATIENCE_S)


main()
