"""The ports of a link: their ids, and messages on the way between a port here and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from ipfs_comm.errors import DataCloneError, LinkError, ProtocolError
from ipfs_comm.wire import blob, clone
from ipfs_comm.wire.entanglement import Record, close_reason, entangle, topology
from ipfs_comm.wire.numbers import NumberSet
from ipfs_comm.wire.port import MessageChannel, MessagePort
from ipfs_comm.wire.receiver import Assembler
from ipfs_comm.wire.sender import OutgoingMessage, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.wire.entanglement import End
    from ipfs_comm.wire.frame import Data
    from ipfs_comm.wire.limits import Limits

__all__ = ["CLOSING", "LinkEnd", "PortTable"]

#: What a link end submits when its partner here has closed.
CLOSING: Final = object()


def _is_blob(tag: object) -> bool:
    return type(tag) is str and tag in {"B", "F"}


class Submit(Protocol):
    """Takes a record, or `CLOSING`, for the port that an end stands for; from any thread, under `topology`."""

    def __call__(self, end: LinkEnd, item: Any, /) -> None: ...


class LinkEnd:
    """What stands for a port at the other side: the partner of a port here."""

    __slots__ = ("assembler", "closed_here", "closed_there", "id", "key", "partner", "submit")

    def __init__(self, link: str, port_id: int, submit: Submit, limits: Limits) -> None:
        self.key: tuple[str, int] | None = (link, port_id)
        self.id = port_id
        self.submit = submit
        self.partner: End | None = None
        self.assembler = Assembler(limits)
        self.closed_here = False
        self.closed_there = False

    def accept(self, record: Record) -> None:
        """See :class:`ipfs_comm.wire.entanglement.End`."""
        self.submit(self, record)

    def accept_close(self, error: Exception | None) -> None:
        """See :class:`ipfs_comm.wire.entanglement.End`; CLOSE says no reason."""
        self.partner = None
        self.submit(self, CLOSING)


class PortTable:
    """Who is behind which port id.

    Parameters
    ----------
    link : str
        The link's name.
    sender : Sender
        Takes what goes out.
    first_id : int
        The first id that this end gives to a port, 2 at the opener's end and 1 at the acceptor's.
    submit : callable
        Given to every end, see :class:`Submit`.
    reject : callable
        Told, on any thread, of a value that cannot be decoded.
    limits : Limits
        For the number of ports, and the sizes of messages.
    """

    def __init__(
        self,
        link: str,
        sender: Sender,
        first_id: int,
        submit: Submit,
        reject: Callable[[Exception], None],
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._link = link
        self._sender = sender
        self._next_id = first_id
        self._submit = submit
        self._reject = reject
        self._ends: dict[int, LinkEnd] = {}
        #: The ids that the other end has given so far, halved.
        self._taken = NumberSet()
        self._unfinished = 0
        self.main = MessagePort()
        end = self._ends[0] = LinkEnd(link, 0, submit, limits)
        entangle(self.main, end)

    def __len__(self) -> int:
        return len(self._ends)

    def close_all(self, reason: LinkError) -> None:
        """Close every port here, with the reason."""
        with topology:
            ends, self._ends = self._ends, {}
            partners = []
            for end in ends.values():
                partner, end.partner = end.partner, None
                if partner is not None:
                    partners.append(partner)
            for partner in partners:
                partner.accept_close(close_reason(reason))

    # What comes in

    def take_data(self, frame: Data) -> None:
        """Take a fragment in its turn.

        Raises
        ------
        LinkError
            The message breaks the protocol or a limit.
        """
        end = self._ends.get(frame.port)
        if end is None or end.closed_there:
            return
        before = end.assembler.size
        message = end.assembler.feed(frame)
        self._unfinished += end.assembler.size - before
        if self._unfinished > self._limits.max_unfinished:
            raise LinkError(
                f"more than {self._limits.max_unfinished} bytes of unfinished messages (limit max_unfinished)",
                code="ERR_LIMIT",
            )
        if message is None:
            return
        meta, buffers = message
        fresh = [self._take_port(port_id) for port_id in meta.port_ids]
        if end.closed_here:
            for port in fresh:
                port.close()
            return
        blobs = 0
        if fresh:
            blobs = sum(1 for entry in meta.entries if type(entry) is list and entry and _is_blob(entry[0]))
            if blobs > len(fresh):
                raise ProtocolError("a message has more Blobs than ports")
        count = len(fresh) - blobs
        sources: list[clone.BlobSource] = [blob.PortSource(port) for port in fresh[count:]]
        encoded = clone.Encoded(meta.root, meta.entries, list(buffers), sources)
        record = Record(encoded, fresh[:count], self._reject)
        with topology:
            partner = end.partner
            if partner is None:
                record.drop()
                return
            if isinstance(partner, LinkEnd):
                # A relay must not pass on what would end the link of somebody else.
                try:
                    record.decode()
                except ProtocolError:
                    record.drop()
                    raise
            partner.accept(record)

    def _take_port(self, port_id: int) -> MessagePort:
        if port_id == 0 or port_id % 2 == self._next_id % 2 or port_id // 2 in self._taken:
            raise ProtocolError(f"a message carries the port {port_id}, which is not its sender's to give")
        self._taken.add(port_id // 2)
        if len(self._ends) >= self._limits.max_ports:
            raise LinkError(
                f"a link has at most {self._limits.max_ports} open ports (limit max_ports)", code="ERR_LIMIT"
            )
        end = self._ends[port_id] = LinkEnd(self._link, port_id, self._submit, self._limits)
        port = MessagePort.homeless()
        entangle(port, end)
        return port

    def take_close(self, port_id: int) -> None:
        """Take the news that the other end has closed a port, and answer it.

        Raises
        ------
        ProtocolError
            The other end cannot know the port yet.
        """
        end = self._ends.get(port_id)
        if end is None:
            return
        if self._sender.is_blocked(port_id):
            raise ProtocolError(f"port {port_id} was closed before it was given")
        unsaid = not end.closed_here or self._sender.closes(port_id)
        self._drop(end)
        if unsaid:
            self._sender.put(port_id, None)

    def _drop(self, end: LinkEnd) -> None:
        """Take an end out; close the ports whose announcement waited behind it and will never be sent."""
        doomed = [end]
        while doomed:
            end = doomed.pop()
            self._ends.pop(end.id, None)
            end.closed_there = True
            self._unfinished -= end.assembler.size
            end.assembler = Assembler(self._limits)
            doomed += [self._ends[lost] for lost in self._sender.discard(end.id) if lost in self._ends]
            with topology:
                partner, end.partner = end.partner, None
                if partner is not None:
                    partner.accept_close(None)

    # What goes out

    def put(self, end: LinkEnd, item: Any) -> None:
        """Queue what an end has submitted."""
        if end.closed_there:
            if isinstance(item, Record):
                item.drop()
        elif isinstance(item, Record):
            encoded = item.encoded
            count = len(item.ports) + len(encoded.sources)
            announces = [self._next_id + 2 * number for number in range(count)]
            try:
                meta = clone.dump_meta(encoded, announces)
            except DataCloneError as error:
                # Only the text that goes out shows its size; the port cannot go on without the message.
                item.drop()
                with topology:
                    partner, end.partner = end.partner, None
                    if partner is not None:
                        partner.accept_close(LinkError(str(error), code="ERR_LIMIT"))
                self.put(end, CLOSING)
                return
            for port in item.ports:
                self._give(port)
            for source in encoded.sources:
                channel = MessageChannel()
                blob.serve(source, channel.port1)
                self._give(channel.port2)
            self._sender.put(end.id, OutgoingMessage(meta, encoded.buffers, announces))
        elif not end.closed_here:
            end.closed_here = True
            self._sender.put(end.id, None)

    def _give(self, port: MessagePort) -> int:
        """Let the other end have a port; return its id."""
        port_id = self._next_id
        self._next_id += 2
        end = self._ends[port_id] = LinkEnd(self._link, port_id, self._submit, self._limits)
        self._sender.block(port_id)
        port.hand_over(end)
        return port_id
