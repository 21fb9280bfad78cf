"""What does not agree in a chat is named, each thing alone, and nothing else is."""

import pytest

from slysock_store.auditing import MAX_PROBLEMS, CountedChat, Findings, problems_of

SOUND = CountedChat(
    id="1",
    last_sequence=3,
    message_count=2,
    last_message_at=30,
    active_at=30,
    created_at=10,
    messages=3,
    kept=2,
    first=1,
    last=3,
    newest_at=30,
)
EMPTY = CountedChat(
    id="1",
    last_sequence=0,
    message_count=0,
    last_message_at=None,
    active_at=10,
    created_at=10,
    messages=0,
    kept=0,
    first=None,
    last=None,
    newest_at=None,
)


def changed(chat: CountedChat, **fields: int | None) -> CountedChat:
    return CountedChat(**{name: getattr(chat, name) for name in chat.__struct_fields__} | fields)


@pytest.mark.parametrize("chat", [SOUND, EMPTY, changed(EMPTY, messages=1, kept=1, first=1, last=1, newest_at=10)])
def test_a_sound_chat_has_no_problem(chat: CountedChat) -> None:
    if chat.messages == 1:
        chat = changed(chat, last_sequence=1, message_count=1, last_message_at=10)
    assert list(problems_of(chat)) == []


@pytest.mark.parametrize(
    ("chat", "problem"),
    [
        (changed(SOUND, messages=2), "chat 1: 2 messages are numbered from 1 to 3, with gaps"),
        (changed(SOUND, first=2), "chat 1: 3 messages are numbered from 2 to 3, with gaps"),
        (changed(SOUND, last_sequence=4), "chat 1: the last message is number 3, recorded is 4"),
        (changed(EMPTY, last_sequence=1), "chat 1: the last message is number 0, recorded is 1"),
        (changed(SOUND, message_count=3), "chat 1: 2 messages are not deleted, recorded are 3"),
        (changed(SOUND, newest_at=31), "chat 1: the time of the last message is not the one recorded"),
        (changed(SOUND, active_at=31), "chat 1: it is listed at another time than that of its last message"),
        (changed(EMPTY, active_at=9), "chat 1: it is listed at another time than that of its last message"),
    ],
)
def test_each_problem_is_named_alone(chat: CountedChat, problem: str) -> None:
    assert list(problems_of(chat)) == [problem]


def test_a_hundred_problems_are_spelled_out_and_the_rest_is_counted() -> None:
    findings = Findings()
    for _ in range(MAX_PROBLEMS + 5):
        findings.count(changed(SOUND, last_sequence=4))
    found = findings.result()
    assert (found.chats, found.messages) == (MAX_PROBLEMS + 5, 3 * (MAX_PROBLEMS + 5))
    assert (len(found.problems), found.more_problems) == (MAX_PROBLEMS, 5)
