// A server that renders pages has no elements to define: the browser does it.
export {};
