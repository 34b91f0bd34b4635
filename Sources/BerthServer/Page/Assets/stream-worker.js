const ports = new Set();
let source;
let pause = 5000;

/** Opens the one stream of this browser; one that was refused is tried again after a while, ever longer. */
function open(address) {
  if (source && source.readyState !== EventSource.CLOSED) return;
  source = new EventSource(address);
  source.onopen = () => (pause = 5000);
  source.onmessage = (event) => ports.forEach((port) => port.postMessage(event.data));
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => open(address), pause * (1 + Math.random()));
    pause = Math.min(pause * 2, 60000);
  };
}

self.onconnect = ({ ports: [port] }) => {
  ports.add(port);
  port.onmessage = ({ data }) => open(data);
};
