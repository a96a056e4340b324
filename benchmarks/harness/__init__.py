"""What every measurement needs: a server, a page or a websocket client, lines, meters and a sheet of rows."""
