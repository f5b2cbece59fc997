"""GStreamer's RTSP server as three cameras behind digest authentication: /h264, /h265, /mjpeg. Prints READY, then serves until it is ended.

usage: rtsp-server.py PORT USER PASSWORD [CODEC]: with one of them it is at /cam too
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

port, user, password = sys.argv[1:4]
SOURCE = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1"
ENCODERS = {
    "/h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 config-interval=1",
    "/h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! h265parse ! rtph265pay name=pay0 config-interval=1",
    "/mjpeg": "jpegenc ! rtpjpegpay name=pay0",
}
MAY_WATCH = "user,media.factory.access=(boolean)true,media.factory.construct=(boolean)true"

Gst.init(None)
auth = GstRtspServer.RTSPAuth()
auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "user")
auth.add_digest(user, password, token)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
server.set_auth(auth)
also = {"/cam": ENCODERS["/" + sys.argv[4]]} if len(sys.argv) > 4 else {}
for path, encoder in {**ENCODERS, **also}.items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {SOURCE} ! {encoder} )")
    factory.set_shared(True)
    factory.add_role_from_structure(Gst.Structure.new_from_string(MAY_WATCH))
    server.get_mount_points().add_factory(path, factory)
if server.attach(None) == 0:
    sys.exit(f"port {port} is taken")
print("READY", flush=True)
GLib.MainLoop().run()
