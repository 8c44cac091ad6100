//! The least that a client of a WebSocket (RFC 6455) has to do: hear short messages, answer pings.

use tokio::io::AsyncBufReadExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

pub(super) struct WebSocket {
    stream: BufReader<TcpStream>,
}

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// What a client sends is masked. With zeros it stays as it is.
const MASKED: u8 = 0x80;
const MASK: [u8; 4] = [0; 4];
/// The longest message whose length stands in one byte, and the mark of one in two.
const SHORT: u8 = 125;
const IN_TWO_BYTES: u8 = 126;

impl WebSocket {
    pub(super) async fn open(mut stream: TcpStream, path: &str) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self { stream }
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> String {
        loop {
            let kind = self.stream.read_u8().await.unwrap();
            let length = match self.stream.read_u8().await.unwrap() {
                short @ ..=SHORT => usize::from(short),
                IN_TWO_BYTES => usize::from(self.stream.read_u16().await.unwrap()),
                _ => panic!("a message of more than 64 KiB"),
            };
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).await.unwrap();
            match kind {
                TEXT => return String::from_utf8(payload).unwrap(),
                PING => {
                    let length = u8::try_from(length).unwrap();
                    let mut pong = vec![PONG, MASKED | length];
                    pong.extend(MASK);
                    pong.extend(payload);
                    self.stream.write_all(&pong).await.unwrap();
                }
                other => panic!("the seller sent a frame {other:#x}"),
            }
        }
    }
}
