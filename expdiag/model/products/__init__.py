"""What peers are: platforms, option keys, Cisco TMS, zones to other systems."""
