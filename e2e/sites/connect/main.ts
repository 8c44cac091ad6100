import 'purrwall-widget';

document.addEventListener('purr-wall:wallet', ({ detail }) =>
  detail.provide(async () => {
    const { onConnected, requestProvider } = await import('@getalby/bitcoin-connect');
    return localStorage.getItem('bc:config') ? new Promise(onConnected) : requestProvider();
  }),
);
