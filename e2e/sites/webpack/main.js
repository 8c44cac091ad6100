import 'purrwall-widget';

document.addEventListener('purrwallpaid', ({ detail }) => {
  document.querySelector('#thanks').textContent = `Paid for ${detail.receipt.item}`;
});
