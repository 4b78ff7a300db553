// Signs an application's token (docs/protocol.md 10.2). Java 11 or later, nothing else.
//   APP_SECRET=… java Token.java APP_KEY CHANNEL UID TTL [CUR_TIME]

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;

public final class Token {
    /** The uid is text: it may have 64 bits, and Java's numbers have a sign. */
    public static String token(String appKey, String appSecret, String channelName, String uid, long ttl, long curTime)
            throws Exception {
        String text = appKey + uid + curTime + ttl + channelName + appSecret;
        StringBuilder signature = new StringBuilder();
        for (byte part : MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8))) {
            signature.append(String.format("%02x", part));
        }
        String claims = "{\"signature\":\"" + signature + "\",\"curTime\":" + curTime + ",\"ttl\":" + ttl + "}";
        return Base64.getEncoder().encodeToString(claims.getBytes(StandardCharsets.UTF_8));
    }

    public static void main(String[] args) throws Exception {
        long curTime = args.length > 4 ? Long.parseLong(args[4]) : System.currentTimeMillis();
        long ttl = Long.parseLong(args[3]);
        System.out.println(token(args[0], System.getenv("APP_SECRET"), args[1], args[2], ttl, curTime));
    }
}
