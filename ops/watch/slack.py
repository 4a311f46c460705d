"""Events as messages of Slack, which Mattermost, Rocket.Chat and others take as well.

https://docs.slack.dev/messaging/formatting-message-text
"""

import json

from model.status.condition import Severity
from model.watch.event import Change, Event
from ops.watch.sinks import held

# Slack cuts longer texts, and with them the command and the runbook.
LONGEST = 2000


def message(event: Event) -> str:
    """Return the JSON of a message."""
    subject = f"*{_escaped(event.subject)}*"
    if event.event is Change.ENDED:
        note = f" ({_escaped(event.note)})" if event.note else ""
        return json.dumps(
            {
                "text": f":white_check_mark: {subject} {_escaped(event.reason)} ended after "
                f"{held(event)}{note}"
            }
        )
    sign = ":red_circle:" if event.severity is Severity.ERROR else ":warning:"
    # Slack shows a time in the zone of the person who reads it.
    since = f"<!date^{int(event.began.timestamp())}^{{date_short_pretty}} {{time_secs}}|"
    since += f"{event.began:%Y-%m-%dT%H:%M:%SZ}>"
    lines = [
        f"{sign} {subject} {_escaped(event.reason)} since {since}",
        _escaped(event.message),
        f"Fix: `{_escaped(event.fix)}`, runbook: `{_escaped(event.runbook)}`",
    ]
    return json.dumps({"text": "\n".join(lines)})


def _escaped(text: str) -> str:
    """Return text in which nothing is a mention, a link or a mark."""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("`", "'")
