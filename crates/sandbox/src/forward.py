"""Runs inside the sandbox: listens on loopback, carries each connection to the proxy's unix socket, then becomes the command.

Usage: forward.py SOCKET PROGRAM [ARGUMENT...]
The socket is the only way out of the namespace, so a command that stops this forwarder only loses its own network.
"""
import os
import socket
import sys


def main():
    path, command = sys.argv[1], sys.argv[2:]
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    url = "http://127.0.0.1:%d" % listener.getsockname()[1]
    # Forked twice, so that the command never sees a child that it did not start.
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            serve(listener, path)
        os._exit(0)
    os.waitpid(child, 0)
    listener.close()
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ[name] = url
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = "localhost,127.0.0.1"
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write("%s: %s\n" % (command[0], error.strerror))
        os._exit(127)


def serve(listener, path):
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    import asyncio

    async def copy(reader, writer):
        try:
            while True:
                data = await reader.read(65536)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):
            writer.close()

    async def carry(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(path)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        finally:
            far_writer.close()
            writer.close()

    async def run():
        server = await asyncio.start_server(carry, sock=listener)
        async with server:
            await server.serve_forever()

    asyncio.run(run())


main()
