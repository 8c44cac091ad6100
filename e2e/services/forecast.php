<?php
// A service that knows nothing of payments: a script of PHP's own server.

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/forecast/about') {
    echo 'Rain or shine';
} else {
    header('content-type: application/json');
    echo json_encode(['day' => basename($path), 'sky' => 'sun']);
}
