"""One label's round with a client that was generated from the document: issue, status, list.

    round.py URL NOTE LABEL     NOTE: a file with the signed issue of LABEL, which the log does not have
"""

import io
import sys

from labelproof_log_client import Client
from labelproof_log_client.api.about import describe_log
from labelproof_log_client.api.events import event, submit_event
from labelproof_log_client.api.labels import label, labels
from labelproof_log_client.api.status import label_status
from labelproof_log_client.models import Status
from labelproof_log_client.types import File

url, note, name = sys.argv[1:]
scheme, native = name.split("/")
client = Client(base_url=url)



def send(text):
    return submit_event.sync_detailed(client=client, body=File(payload=io.BytesIO(text.encode())))


before = describe_log.sync(client=client)
assert before.origin == "labels.g7.example", before

text = open(note, encoding="utf-8").read()
place = send(text)
assert place.status_code == 201, place
again = send(text)
assert (again.status_code, again.parsed.index) == (200, place.parsed.index), again
assert event.sync_detailed(place.parsed.event, client=client).content.decode() == text

bundle = label_status.sync_detailed(scheme, native, client=client)
assert bundle.status_code == 200 and bundle.content.startswith(b"labelproof-bundle/v1\n"), bundle
found = label.sync(scheme, native, client=client)
assert found.label.id == name and found.label.status == Status.ACTIVE, found
assert found.size > before.size, (found.size, before.size)

seen, after = [], None
for _ in range(1000):
    options = {} if after is None else {"after": after}
    page = labels.sync(client=client, scheme=scheme, status=Status.ACTIVE, limit=7, **options)
    seen += [one.id for one in page.labels]
    if page.next_ is None:
        break
    after = int(page.next_.rsplit("after=", 1)[1])
assert name in seen and len(seen) == len(set(seen)), seen

refused = send("no note")
assert refused.status_code == 400 and refused.parsed.type_.endswith(":malformed"), refused
print(f"a generated client issued {name}, read it back and found it among {len(seen)} labels")
