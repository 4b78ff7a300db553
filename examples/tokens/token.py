"""Signs an application's token (docs/protocol.md 10.2). Python 3, nothing else.

APP_SECRET=... python3 token.py APP_KEY CHANNEL UID TTL [CUR_TIME]
"""
import base64
import hashlib
import os
import sys
import time


def token(app_key, app_secret, channel_name, uid, ttl, cur_time=None):
    cur_time = int(time.time() * 1000) if cur_time is None else cur_time
    text = f"{app_key}{uid}{cur_time}{ttl}{channel_name}{app_secret}"
    signature = hashlib.sha1(text.encode()).hexdigest()
    claims = f'{{"signature":"{signature}","curTime":{cur_time},"ttl":{ttl}}}'
    return base64.b64encode(claims.encode()).decode()


if __name__ == "__main__":
    app_key, channel_name, uid, ttl, *cur_time = sys.argv[1:]
    numbers = [int(text) for text in (uid, ttl, *cur_time)]
    print(token(app_key, os.environ["APP_SECRET"], channel_name, *numbers))
